# `make help` is the index. CI calls `make ci` and nothing else. Variables given to make (TOUR=only, ENVOY_VERSION=...)
# reach what it runs through the environment.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help setup wasm test conformance mutants lint run bench soak ci clean-wasm

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## get the wasm target, an Envoy and a Redis, unless they are there (run, test and wasm do it by themselves)
	@scripts/setup wasm envoy redis

wasm: ## build and pack every filter into target/dist, with SHA256SUMS
	@scripts/setup wasm
	@cargo run --quiet --package tollgate-pack -- dist

test: setup ## every test: policies, filters in the emulator and in a real Envoy, docs and configs
	cargo test --workspace

conformance: ## the emulated host against a real Envoy, case by case (ENVOY_VERSION=1.36.4 for another one)
	@scripts/setup wasm envoy
	@cargo run --quiet --package tollgate-conformance

mutants: ## does the table of cases notice an emulator that is wrong (builds a copy: minutes)
	@scripts/setup wasm envoy
	@cargo run --quiet --package tollgate-conformance -- --mutants

lint: ## formatting, clippy, licences and sources of dependencies, shell scripts, YAML
	@scripts/setup lint
	@scripts/lint

run: ## two services behind Envoy with the filters, and a tour of requests (TOUR=only ends after it)
	@scripts/setup wasm envoy
	@cargo run --quiet --package tollgate-demo

bench: ## CPU per request in a real Envoy, as ratios to no filter and to an empty filter of the stock SDK
	@scripts/setup wasm envoy
	@cargo run --quiet --package tollgate-bench

soak: ## 200,000 requests through a filter in Envoy: is memory flat, and the log empty
	@scripts/setup wasm envoy
	@cargo run --quiet --package tollgate-bench -- --soak

ci: lint test ## what CI runs

clean-wasm: ## remove built filters and the standard library built for them; keeps Envoy and the native build
	@scripts/clean-wasm
