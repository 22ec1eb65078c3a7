//! Packs small modules.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use tollgate_pack::{Binaryen, Error, Options, inspect, pack, strip};

/// Builds a minimal module that loads, with `body` added.
fn module(body: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module
            (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "proxy_abi_version_0_2_1"))
            (func (export "_initialize"))
            (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
            {body})"#
    ))
    .unwrap()
}

const TICK: &str = r#"(func (export "proxy_on_tick") (param i32) unreachable)"#;

fn options() -> Options {
    Options { name: "filter".into(), version: "1.2.3".into(), ..Options::default() }
}

fn callbacks(body: &str) -> Vec<String> {
    let packed = pack(&module(body), &options()).unwrap();
    inspect(&packed).unwrap().manifest.unwrap().callbacks
}

#[test]
fn removes_a_callback_that_does_nothing() {
    let body = r#"
        (func (export "proxy_on_log") (param i32))
        (func (export "proxy_on_tick") (param i32) (return))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 0))
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) (return (i32.const 0)))
        (func (export "proxy_on_done") (param i32) (result i32) (i32.const 1))
        (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))"#;
    let packed = inspect(&pack(&module(body), &options()).unwrap()).unwrap();
    assert_eq!(packed.functions, ["_initialize", "proxy_abi_version_0_2_1", "proxy_on_memory_allocate"]);
    assert_eq!(packed.manifest.unwrap().callbacks, [""; 0]);
}

#[test]
fn keeps_a_callback_that_returns_another_constant() {
    // Rejects every configuration; never lets a stream end; pauses every request.
    let body = r#"
        (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 0))
        (func (export "proxy_on_done") (param i32) (result i32) (i32.const 0))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 1))"#;
    assert_eq!(callbacks(body), ["proxy_on_configure", "proxy_on_done", "proxy_on_request_headers"]);
}

#[test]
fn keeps_a_callback_with_an_effect() {
    let body = r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $log (i32.const 2) (i32.const 0) (i32.const 5)))
            (i32.const 0))
        (func (export "proxy_on_log") (param i32) unreachable)"#;
    assert_eq!(callbacks(body), ["proxy_on_log", "proxy_on_request_headers"]);
}

#[test]
fn removes_code_that_only_removed_exports_reach() {
    let text = r#"(module
        (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_open" (func $open (param i32)))
        (memory (export "memory") 1)
        (func (export "_initialize"))
        (func $helper (call $open (i32.const 1)))
        (func (export "helper") (call $helper))
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 1024))
        (func (export "proxy_on_tick") (param i32) (drop (call $log (i32.const 0) (i32.const 0) (i32.const 0)))))"#;
    let packed = inspect(&pack(&wat::parse_str(text).unwrap(), &options()).unwrap()).unwrap();
    // `path_open` is not an allowed import, but nothing reaches it.
    assert_eq!(packed.imports, ["env.proxy_log"]);
    assert_eq!(packed.functions, ["_initialize", "malloc", "proxy_abi_version_0_2_1", "proxy_on_tick"]);
}

#[test]
fn keep_only_keeps_exactly_the_listed_callbacks() {
    let body = r#"
        (func (export "proxy_on_log") (param i32))
        (func (export "proxy_on_tick") (param i32) unreachable)"#;
    let keep = |names: &[&str]| {
        let keep_only = Some(names.iter().map(|&n| n.to_owned()).collect());
        pack(&module(body), &Options { keep_only, ..options() })
    };
    let packed = inspect(&keep(&["proxy_on_log"]).unwrap()).unwrap();
    assert_eq!(packed.manifest.unwrap().callbacks, ["proxy_on_log"]);
    let missing = keep(&["proxy_on_log", "proxy_on_delete"]).unwrap_err();
    assert_eq!(missing.to_string(), "cannot keep callback `proxy_on_delete`: the module does not export it");
}

#[test]
fn rejects_unsupported_imports_by_name() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "path_open" (func $open (param i32)))
        (import "env" "envoy_resolve_dns" (func $dns (param i32)))
        (import "env" "table" (table $t 1 funcref))
        (memory (export "memory") 1)
        (func (export "_initialize"))
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 1024))
        (func (export "proxy_on_tick") (param i32)
            (call $open (i32.const 1)) (call $dns (i32.const 1))
            (call_indirect $t (i32.const 0))))"#;
    let error = pack(&wat::parse_str(text).unwrap(), &options()).unwrap_err();
    assert!(
        matches!(&error, Error::Imports(names) if *names == ["`env.envoy_resolve_dns`", "`env.table`",
            "`wasi_snapshot_preview1.path_open`"]),
        "{error}"
    );
}

#[test]
fn rejects_unknown_callbacks_and_wrong_signatures() {
    let error_of = |body: &str| pack(&module(body), &options()).unwrap_err().to_string();
    assert_eq!(
        error_of(
            r#"(func (export "proxy_on_request_header") (param i32 i32 i32) (result i32) (i32.const 0))"#
        ),
        "unknown callback `proxy_on_request_header`: no host calls it, check the spelling"
    );
    assert_eq!(
        error_of(r#"(func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))"#),
        "callback `proxy_on_request_headers` has signature `[I32, I32] -> [I32]`, expected `[I32, I32, I32] -> [I32]`"
    );
}

#[test]
fn rejects_a_module_that_envoy_cannot_use() {
    let error_of = |text: &str| pack(&wat::parse_str(text).unwrap(), &options()).unwrap_err();
    assert!(matches!(
        error_of(r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_0")))"#),
        Error::Abi
    ));
    let no_allocator = r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1")))"#;
    assert!(matches!(error_of(no_allocator), Error::NoAllocator));
    let no_entry = r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    assert!(matches!(error_of(no_entry), Error::NoEntry));
    let no_memory = r#"(module (func (export "proxy_abi_version_0_2_1")) (func (export "_initialize"))
        (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    assert!(matches!(error_of(no_memory), Error::NoMemory));
    assert!(matches!(pack(b"\0asm no", &options()), Err(Error::Invalid(_))));
    // A filter without `#[tollgate::filter]` has only the callbacks that every filter has.
    let forgotten = r#"
        (func (export "proxy_on_configure") (param i32 i32) (result i32) unreachable)
        (func (export "proxy_on_context_create") (param i32 i32) unreachable)
        (func (export "proxy_on_vm_start") (param i32 i32) (result i32) unreachable)"#;
    for body in ["", forgotten] {
        assert!(matches!(pack(&module(body), &options()), Err(Error::NoCallbacks)));
        assert!(matches!(strip(&module(body), &options()), Err(Error::NoCallbacks)));
        let allowed = Options { no_callbacks: true, ..options() };
        assert!(pack(&module(body), &allowed).is_ok() && strip(&module(body), &allowed).is_ok());
    }
    for event in ["proxy_on_log", "proxy_on_tick", "proxy_on_delete"] {
        let body = format!(r#"{forgotten} (func (export "{event}") (param i32) unreachable)"#);
        assert!(pack(&module(&body), &options()).is_ok(), "{event}");
    }
}

#[test]
fn inspects_the_first_marker_and_the_signatures() {
    let text = r#"(module (import "env" "proxy_log" (func (param i64) (result i32)))
        (func (export "proxy_abi_version_0_2_1")) (func (export "proxy_abi_version_0_1_0")))"#;
    let seen = inspect(&wat::parse_str(text).unwrap()).unwrap();
    assert_eq!(seen.marker.as_deref(), Some("proxy_abi_version_0_2_1"));
    assert_eq!(seen.signatures["env.proxy_log"].to_string(), "(i64) -> (i32)");
    let error = inspect(b"\x1f\x8b\x08").unwrap_err().to_string();
    assert!(error.starts_with("not a valid module: a gzip archive"), "{error}");
}

#[test]
fn writes_the_manifest() {
    let schema = serde_json::json!({"type": "object", "additionalProperties": false});
    let packed = pack(&module(TICK), &Options { schema: Some(schema.clone()), ..options() }).unwrap();
    let seen = inspect(&packed).unwrap();
    assert_eq!(seen.custom_sections, ["tollgate.manifest", "tollgate.schema"]);
    assert_eq!(seen.size, packed.len());
    let manifest = seen.manifest.unwrap();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("filter", "1.2.3"));
    assert_eq!((manifest.abi.as_str(), manifest.schema), ("0.2.1", Some(schema)));
}

#[test]
fn rejects_invalid_and_oversized_schemas() {
    use std::io::Write as _;
    let with_schema = |json: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(json).unwrap();
        let data = encoder.finish().unwrap();
        let mut module = walrus::Module::from_buffer(&pack(&module(TICK), &options()).unwrap()).unwrap();
        module.customs.add(walrus::RawCustomSection { name: "tollgate.schema".into(), data });
        inspect(&module.emit_wasm()).map(|seen| seen.manifest.unwrap().schema)
    };
    assert_eq!(with_schema(b"true").unwrap(), Some(serde_json::Value::Bool(true)));
    let error = with_schema(b"{").unwrap_err().to_string();
    assert!(error.contains("section `tollgate.schema`: EOF"), "{error}");
    let error = with_schema(&vec![b' '; 2 << 20]).unwrap_err().to_string();
    assert!(error.ends_with("schema exceeds 1048576 bytes"), "{error}");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let body = r#"
        (func $a (result i32) (i32.const 7)) (func $b (result i32) (i32.const 8)) (func $c (result i32) (i32.const 9))
        (func (export "proxy_on_tick") (param i32) (drop (call $a)) (drop (call $b)) (drop (call $c)))
        (func (export "proxy_on_log") (param i32) (drop (call $c)) (drop (call $a)))"#;
    let schema = Some(serde_json::json!({"b": {"y": 1, "x": [{"d": 1, "c": 2}]}, "a": 2}));
    let first = pack(&module(body), &Options { schema: schema.clone(), ..options() }).unwrap();
    for _ in 0..20 {
        assert_eq!(pack(&module(body), &Options { schema: schema.clone(), ..options() }).unwrap(), first);
    }
}

#[test]
fn packing_twice_changes_nothing() {
    let once = pack(&module(TICK), &options()).unwrap();
    assert_eq!(pack(&once, &options()).unwrap(), once);
}

#[test]
fn removes_names_by_default() {
    let body = r#"(func $helper unreachable) (func (export "proxy_on_tick") (param i32) (call $helper))"#;
    let contains = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(contains(&module(body), "helper"));
    assert!(!contains(&pack(&module(body), &options()).unwrap(), "helper"));
    assert!(contains(&pack(&module(body), &Options { keep_names: true, ..options() }).unwrap(), "helper"));
}

#[test]
fn stripping_keeps_every_export() {
    let body = r#"(func $named (export "anything")) (func (export "proxy_on_log") (param i32))"#;
    let stripped = inspect(&strip(&module(body), &options()).unwrap()).unwrap();
    assert!(stripped.functions.contains(&"anything".into()));
    assert!(stripped.functions.contains(&"proxy_on_log".into()));
    assert_eq!(stripped.manifest, None);
    assert_eq!(stripped.imports.len(), 2);
}

#[test]
fn names_an_optimiser_that_does_not_run() {
    let node = Some("/no/node".into());
    let binaryen = Some(Binaryen { node, wasm_opt: "/no/wasm-opt".into(), version: String::new() });
    let error = pack(&module(TICK), &Options { binaryen, ..options() }).unwrap_err();
    assert!(error.to_string().starts_with("wasm-opt: `/no/node`: "), "{error}");
}
