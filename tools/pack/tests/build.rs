//! Building, on packages of a few lines outside the workspace.

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
        // Panics, so that the place in the source is part of the module.
        std::hint::black_box(list[root as usize]);
    }
"#;

/// In a place of its own that is the same each time, so that what is built does not pile up.
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
fn a_package_outside_the_workspace_is_built_and_packed() {
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
fn the_place_of_the_sources_is_not_in_the_module() {
    let built = ["here", "there"].map(|place| {
        let dir = crate_with(place, SOURCE);
        let bytes = fs::read(manifest(&dir, Finish::Packed).unwrap()).unwrap();
        let place = dir.to_str().unwrap().as_bytes();
        assert!(!bytes.windows(place.len()).any(|w| w == place), "holds {dir:?}");
        bytes
    });
    assert!(built[0] == built[1], "the same sources in two places make two modules");
}

#[test]
fn a_schema_that_is_not_json_is_named() {
    let dir = crate_with("schema", SOURCE);
    fs::write(dir.join("config.schema.json"), "{").unwrap();
    let refused = manifest(&dir, Finish::Packed).unwrap_err().to_string();
    assert!(refused.contains("config.schema.json` is not JSON: EOF"), "{refused}");
}

#[test]
fn what_does_not_compile_is_told_in_the_compilers_words() {
    let dir = crate_with("broken", "fn broken() -> u32 { \"text\" }");
    let refused = manifest(&dir, Finish::Packed).unwrap_err().to_string();
    assert!(refused.starts_with("`outsider` does not build:\n"), "{refused}");
    assert!(refused.contains("mismatched types") && refused.contains("src/lib.rs:1"), "{refused}");
}

#[test]
fn what_may_not_be_shipped_is_told_with_its_name() {
    let dir = crate_with("refused", "");
    let refused = manifest(&dir, Finish::Packed).unwrap_err().to_string();
    assert!(
        refused.starts_with("`outsider` cannot be packed: exports no `proxy_abi_version_0_2_1`"),
        "{refused}"
    );
}

#[test]
fn a_module_whose_exports_the_linker_wrapped_is_refused() {
    let dir = crate_with("wrapped", &SOURCE.replace("unsafe { __wasm_call_ctors() }", ""));
    let refused = manifest(&dir, Finish::Packed).unwrap_err().to_string();
    assert!(refused.ends_with("`_initialize` must call `__wasm_call_ctors`"), "{refused}");
}

#[test]
fn a_package_that_is_no_filter_is_named() {
    for name in ["tollgate-nothing", "tollgate-pack"] {
        let refused = package(name, Finish::Packed).unwrap_err();
        assert!(matches!(&refused, BuildError::NoSuchPackage(n) if n == name), "{refused}");
    }
    let refused = manifest(Path::new("/nonexistent"), Finish::Packed).unwrap_err();
    assert!(refused.to_string().starts_with("`/nonexistent`: "), "{refused}");
}

#[test]
fn kept_bytes_are_found_again_from_any_thread() {
    let bytes = b"any bytes at all";
    let paths = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| keep(bytes).unwrap())).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(paths.iter().all(|p| *p == paths[0]));
    assert_eq!(fs::read(&paths[0]).unwrap(), bytes);
}

#[test]
fn a_published_crate_without_that_example_is_named() {
    let error = tollgate_pack::build::published("proxy-wasm", "0.2.0", "no_such_example").unwrap_err();
    assert!(matches!(&error, BuildError::NotPublished(what) if what.contains("no_such_example")), "{error}");
}

#[test]
fn a_published_crate_without_a_lock_file_is_refused() {
    // Cargo says so, and does not write one into the registry.
    let error = tollgate_pack::build::published("proxy-wasm", "0.2.2", "hello_world").unwrap_err();
    assert!(matches!(&error, BuildError::Cargo { output, .. } if output.contains("lock")), "{error}");
}
