//! Builds small packages outside the workspace.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};
use tollgate_pack::build::{BuildError, Finish, keep, manifest, package};
use tollgate_pack::inspect;

const SOURCE: &str = r#"
    unsafe extern "C" { fn __wasm_call_ctors(); }
    #[unsafe(no_mangle)] pub extern "C" fn _initialize() { unsafe { __wasm_call_ctors() } }
    #[unsafe(no_mangle)] pub extern "C" fn proxy_abi_version_0_2_1() {}
    #[unsafe(no_mangle)] pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
        Vec::with_capacity(size).leak().as_mut_ptr()
    }
    #[unsafe(no_mangle)] pub extern "C" fn proxy_on_request_headers(_: u32, _: u32, _: u32) -> u32 { 0 }
    #[unsafe(no_mangle)] pub extern "C" fn proxy_on_tick(root: u32) {
        let list: Vec<u32> = Vec::new();
        // May panic, so the module contains the path of the source.
        std::hint::black_box(list[root as usize]);
    }
"#;

/// Creates a package in a fixed folder, so that builds do not accumulate.
fn crate_with(place: &str, source: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(place);
    let toml = "[package]\nname = \"outsider\"\nversion = \"3.2.1\"\nedition = \"2024\"\n\
                [lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n";
    fs::create_dir_all(dir.join("src")).unwrap();
    fs::write(dir.join("Cargo.toml"), toml).unwrap();
    fs::write(dir.join("src/lib.rs"), source).unwrap();
    dir
}

#[test]
fn builds_and_packs_a_package_outside_the_workspace() {
    let dir = crate_with("packed", SOURCE);
    fs::write(dir.join("config.schema.json"), r#"{"type": "object"}"#).unwrap();
    let packed = inspect(&fs::read(manifest(&dir, Finish::Packed).unwrap()).unwrap()).unwrap();
    let written = packed.manifest.unwrap();
    assert_eq!((written.name.as_str(), written.version.as_str()), ("outsider", "3.2.1"));
    assert_eq!(written.callbacks, ["proxy_on_tick"]);
    assert_eq!(written.schema, Some(serde_json::json!({"type": "object"})));

    let stripped = inspect(&fs::read(manifest(&dir, Finish::Stripped).unwrap()).unwrap()).unwrap();
    assert!(stripped.functions.contains(&"proxy_on_request_headers".into()));
}

#[test]
fn the_module_does_not_contain_source_paths() {
    let built = ["here", "there"].map(|place| {
        let dir = crate_with(place, SOURCE);
        let bytes = fs::read(manifest(&dir, Finish::Packed).unwrap()).unwrap();
        let place = dir.to_str().unwrap().as_bytes();
        assert!(!bytes.windows(place.len()).any(|w| w == place), "module contains {dir:?}");
        bytes
    });
    assert!(built[0] == built[1], "the same sources in two folders give different modules");
}

#[test]
fn an_invalid_schema_is_named() {
    let dir = crate_with("schema", SOURCE);
    fs::write(dir.join("config.schema.json"), "{").unwrap();
    let error = manifest(&dir, Finish::Packed).unwrap_err().to_string();
    assert!(error.contains("config.schema.json`: invalid JSON: EOF"), "{error}");
}

#[test]
fn a_module_without_callbacks_is_rejected() {
    let (start, _) =
        SOURCE.split_once("#[unsafe(no_mangle)] pub extern \"C\" fn proxy_on_request_headers").unwrap();
    let error = manifest(&crate_with("forgotten", start), Finish::Packed).unwrap_err().to_string();
    let expected = "cannot pack `outsider`: exports no callback";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_failed_build_shows_the_output_of_the_compiler() {
    let dir = crate_with("broken", "fn broken() -> u32 { \"text\" }");
    let error = manifest(&dir, Finish::Packed).unwrap_err().to_string();
    assert!(error.starts_with("cannot build `outsider`:\n"), "{error}");
    assert!(error.contains("mismatched types") && error.contains("src/lib.rs:1"), "{error}");
}

#[test]
fn a_failed_build_runs_and_shows_its_output_once() {
    let dir = crate_with("broken-twice", "fn broken() -> u32 { \"text\" }");
    let error = |finish| manifest(&dir, finish).unwrap_err().to_string();
    assert!(error(Finish::Packed).contains("mismatched types"));
    let again = error(Finish::Packed);
    assert_eq!(
        again,
        "cannot build `outsider`: its build failed before; the first test that needs it shows the output"
    );
    // Other forms of the module have other builds.
    assert!(error(Finish::Named).contains("mismatched types"));
}

#[test]
fn a_failed_pack_names_the_package() {
    let dir = crate_with("refused", "");
    let error = manifest(&dir, Finish::Packed).unwrap_err().to_string();
    assert!(error.starts_with("cannot pack `outsider`: missing export `proxy_abi_version_0_2_1`"), "{error}");
}

#[test]
fn rejects_exports_that_the_linker_wrapped() {
    let dir = crate_with("wrapped", &SOURCE.replace("unsafe { __wasm_call_ctors() }", ""));
    let error = manifest(&dir, Finish::Packed).unwrap_err().to_string();
    assert!(error.ends_with("`_initialize` must call `__wasm_call_ctors`"), "{error}");
}

#[test]
fn names_a_package_that_is_not_a_filter() {
    for name in ["tollgate-nothing", "tollgate-pack"] {
        let error = package(name, Finish::Packed).unwrap_err();
        assert!(matches!(&error, BuildError::NoSuchPackage(n) if n == name), "{error}");
    }
    let error = manifest(Path::new("/nonexistent"), Finish::Packed).unwrap_err();
    assert!(error.to_string().starts_with("`/nonexistent`: "), "{error}");
}

#[test]
fn threads_store_the_same_bytes_in_the_same_file() {
    let bytes = b"any bytes at all";
    let paths = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| keep(bytes).unwrap())).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(paths.iter().all(|p| *p == paths[0]));
    assert_eq!(fs::read(&paths[0]).unwrap(), bytes);
}

#[test]
fn names_a_missing_example_of_a_published_crate() {
    let error = tollgate_pack::build::published("proxy-wasm", "0.2.0", "no_such_example").unwrap_err();
    assert!(matches!(&error, BuildError::NotPublished(what) if what.contains("no_such_example")), "{error}");
}

#[test]
fn rejects_a_published_crate_without_a_lock_file() {
    // Cargo reports this, and does not write a lock file into the registry.
    let error = tollgate_pack::build::published("proxy-wasm", "0.2.2", "hello_world").unwrap_err();
    assert!(matches!(&error, BuildError::Cargo { output, .. } if output.contains("lock")), "{error}");
}
