# Sourced by the scripts: paths, messages and installation.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# A relative directory is resolved from the root, as in tools/pack/src/paths.rs.
case ${CARGO_TARGET_DIR:-} in
'') TARGET=$ROOT/target ;;
/*) TARGET=$CARGO_TARGET_DIR ;;
*) TARGET=$ROOT/$CARGO_TARGET_DIR ;;
esac
TOOLS=$TARGET/tools
LOG=$TOOLS/setup.log

# The version from the environment, before versions.env provides a default.
# shellcheck disable=SC2034 # read in envoy.sh
ENVOY_VERSION_ASKED=${ENVOY_VERSION:-}
while IFS='=' read -r name value; do
    [[ $name =~ ^[A-Z_]+$ && -z ${!name:-} ]] && printf -v "$name" %s "$value"
done <"$ROOT/scripts/versions.env"

say() { printf 'setup: %s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# Runs a command, and writes its output to the log.
quietly() {
    mkdir -p "$TOOLS"
    {
        printf '$ %s\n' "$*"
        "$@"
    } >>"$LOG" 2>&1
}

# Locks one part, until unlock or until this process ends. Each part has its own lock, so that installing Envoy does not
# wait for the build of a linter.
lock() {
    mkdir -p "$TOOLS"
    exec {LOCK_FD}>"$TOOLS/.$1.lock"
    if command -v flock >/dev/null && ! flock -n "$LOCK_FD"; then
        say "waiting for another setup of $1 to finish"
        flock "$LOCK_FD"
    fi
}

unlock() { exec {LOCK_FD}>&-; }

# Installs missing Debian packages. `--no-remove`: rustc-web conflicts with Debian's rustup and rustc, which the user may
# need.
debian_packages() {
    local package missing=() root=()
    command -v apt-get >/dev/null || return 1
    for package; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ((EUID)); then
        root=(sudo -n)
        quietly sudo -n true || return 1
    fi
    say "installing Debian packages: ${missing[*]}"
    quietly "${root[@]}" apt-get update -o DPkg::Lock::Timeout=300 || say "apt-get update failed (see $LOG); continuing with the old package lists"
    quietly "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -o DPkg::Lock::Timeout=300 --no-install-recommends --no-remove "${missing[@]}"
}

# Creates a venv with one package, and moves it into place when it is complete. On Debian, `python3 -m venv` needs the
# package python3-venv.
python_tool() {
    local venv=$1 requirement=$2
    command -v python3 >/dev/null || return 1
    rm -rf "$venv" "$venv.partial"
    quietly python3 -m venv "$venv.partial" ||
        { debian_packages python3-venv && quietly python3 -m venv --clear "$venv.partial"; } || return 1
    quietly "$venv.partial/bin/python" -m pip install --disable-pip-version-check --no-input "$requirement" || return 1
    mv "$venv.partial" "$venv"
}
