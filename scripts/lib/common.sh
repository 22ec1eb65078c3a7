# Sourced by the scripts: where things are, how to speak, how to install.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Relative ones are taken from the root, as host-test/src/paths.rs does.
case ${CARGO_TARGET_DIR:-} in
'') TARGET=$ROOT/target ;;
/*) TARGET=$CARGO_TARGET_DIR ;;
*) TARGET=$ROOT/$CARGO_TARGET_DIR ;;
esac
TOOLS=$TARGET/tools
LOG=$TOOLS/setup.log

# What was asked for, before the pins fill the gaps.
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

# Runs a command whose output matters only if it fails.
quietly() {
    mkdir -p "$TOOLS"
    {
        printf '$ %s\n' "$*"
        "$@"
    } >>"$LOG" 2>&1
}

# One for each part, because building a linter takes longer than anybody who wants an Envoy should wait. Held until
# unlock, or until this process ends.
lock() {
    mkdir -p "$TOOLS"
    exec {LOCK_FD}>"$TOOLS/.$1.lock"
    if command -v flock >/dev/null && ! flock -n "$LOCK_FD"; then
        say "waiting for another set-up of $1 to finish"
        flock "$LOCK_FD"
    fi
}

unlock() { exec {LOCK_FD}>&-; }

# Installs the Debian packages that are missing. `--no-remove`: rustc-web conflicts with Debian's own rustup and rustc,
# and taking those from somebody is not ours to do.
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
    quietly "${root[@]}" apt-get update -o DPkg::Lock::Timeout=300 || say "apt-get update failed (see $LOG); trying with what apt knows"
    quietly "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -o DPkg::Lock::Timeout=300 --no-install-recommends --no-remove "${missing[@]}"
}

# A venv with one package in it, put in place when it is whole. `python3 -m venv` needs a package of its own on Debian.
python_tool() {
    local venv=$1 requirement=$2
    command -v python3 >/dev/null || return 1
    rm -rf "$venv" "$venv.partial"
    quietly python3 -m venv "$venv.partial" ||
        { debian_packages python3-venv && quietly python3 -m venv --clear "$venv.partial"; } || return 1
    quietly "$venv.partial/bin/python" -m pip install --disable-pip-version-check --no-input "$requirement" || return 1
    mv "$venv.partial" "$venv"
}
