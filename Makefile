# `make help` is the index. CI calls `make ci`. Variables given to make (TOUR=only, ENVOY_VERSION=..) reach the programs
# through the environment.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help run wasm cli test proxy-wasm outside conformance mutants fuzz-host fuzz fuzz-build lint doc ci bench soak setup clean-wasm

##@ Use
help: ## list the targets
	@awk -F ':.*## ' '/^##@ /{printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start two services behind Envoy with the filters, and send a tour of requests (TOUR=only ends after the tour)
	@scripts/setup wasm envoy
	@cargo run --quiet --bin tollgate-demo

wasm: ## build and pack every filter into target/dist, with SHA256SUMS
	@scripts/setup wasm
	@cargo run --quiet --bin tollgate-pack -- dist

cli: ## build the command line tool into target/release, with an optimised compiler of modules
	@cargo build --quiet --release --bin tollgate

##@ Check a change
ci: lint fuzz-build test ## run lint, fuzz-build and test, as CI does

lint: ## check format, clippy, prose, documentation, dependencies, shell scripts and YAML
	@scripts/setup lint
	@scripts/lint

test: ## run every test, also in a real Envoy (ONLY=rate-limit or ONLY=changed runs a part, SLOWEST=20 lists the slowest)
	@scripts/setup wasm envoy redis
	@scripts/test $(if $(ONLY),--only '$(ONLY)') $(if $(SLOWEST),--slowest '$(SLOWEST)')

doc: ## build the documentation of the crates into target/doc; a warning is an error
	@RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps

##@ Prove more
proxy-wasm: ## run the scenarios of the filters on the dispatcher of the `proxy-wasm` crate
	@scripts/setup wasm envoy
	@scripts/proxy-wasm

outside: ## build and test a filter in a folder outside the clone, with packaged crates and a new lock file
	@scripts/setup wasm envoy
	@cargo test --quiet --package tollgate-tests --test outside -- --ignored
	@cargo test --quiet --package tollgate-cli --test tollgate -- --ignored

conformance: ## compare the emulated host with a real Envoy, case by case (ENVOY_VERSION=1.36.4 for another version)
	@scripts/setup wasm envoy
	@cargo run --quiet --bin tollgate-conformance

mutants: ## check that conformance notices a wrong emulator (builds a copy: takes minutes)
	@scripts/setup wasm envoy
	@cargo run --quiet --bin tollgate-conformance -- --mutants

fuzz-host: ## compare random filters and exchanges on the emulated host and a real Envoy (FUZZ_SECONDS=600, SEED=1)
	@scripts/setup wasm envoy
	@cargo run --quiet --bin tollgate-conformance -- --fuzz $(or $(FUZZ_SECONDS),60) --seed $(or $(SEED),1)

fuzz: ## run each fuzz target for a minute (FUZZ_SECONDS=600 for ten)
	@scripts/fuzz

fuzz-build: ## build the fuzz targets
	@scripts/fuzz build

##@ Measure
bench: ## measure CPU per request in a real Envoy, relative to no filter and to the stock SDK's empty filter
	@scripts/setup wasm envoy
	@cargo run --quiet --bin tollgate-bench

soak: ## send 200,000 requests through a filter in Envoy; check that memory is flat and the log empty
	@scripts/setup wasm envoy
	@cargo run --quiet --bin tollgate-bench -- --soak

##@ Set up
setup: ## install the wasm target, Envoy, Binaryen and Redis if they are missing (the other targets do it themselves)
	@scripts/setup wasm envoy redis

clean-wasm: ## remove built filters and the standard library built for them; keep Envoy and the native build
	@scripts/clean-wasm
