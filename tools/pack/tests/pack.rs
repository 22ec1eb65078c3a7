//! Packing, on modules small enough to read.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use tollgate_pack::{Binaryen, Error, Options, inspect, pack, strip};

/// The least that loads; `body` goes into it.
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

fn options() -> Options {
    Options { name: "filter".into(), version: "1.2.3".into(), ..Options::default() }
}

fn callbacks(body: &str) -> Vec<String> {
    let packed = pack(&module(body), &options()).unwrap();
    inspect(&packed).unwrap().manifest.unwrap().callbacks
}

#[test]
fn a_callback_that_does_nothing_is_dropped() {
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
fn a_constant_that_differs_from_an_absent_callback_is_kept() {
    // Refuses every configuration; never lets a stream end; pauses every request.
    let body = r#"
        (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 0))
        (func (export "proxy_on_done") (param i32) (result i32) (i32.const 0))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 1))"#;
    assert_eq!(callbacks(body), ["proxy_on_configure", "proxy_on_done", "proxy_on_request_headers"]);
}

#[test]
fn a_callback_with_an_effect_before_its_constant_is_kept() {
    let body = r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $log (i32.const 2) (i32.const 0) (i32.const 5)))
            (i32.const 0))
        (func (export "proxy_on_log") (param i32) unreachable)"#;
    assert_eq!(callbacks(body), ["proxy_on_log", "proxy_on_request_headers"]);
}

#[test]
fn what_only_dropped_exports_reached_goes_with_them() {
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
    // `path_open` is not on the list of imports, and is no matter because nothing reaches it.
    assert_eq!(packed.imports, ["env.proxy_log"]);
    assert_eq!(packed.functions, ["_initialize", "malloc", "proxy_abi_version_0_2_1", "proxy_on_tick"]);
}

#[test]
fn a_listed_callback_is_kept_and_all_others_go() {
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
    assert_eq!(missing.to_string(), "has no callback `proxy_on_delete` to keep");
}

#[test]
fn an_import_that_is_not_on_the_list_is_refused_by_name() {
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
    let refused = pack(&wat::parse_str(text).unwrap(), &options()).unwrap_err();
    assert!(
        matches!(&refused, Error::Imports(names) if *names == ["`env.envoy_resolve_dns`", "`env.table`",
            "`wasi_snapshot_preview1.path_open`"]),
        "{refused}"
    );
}

#[test]
fn a_misspelt_callback_and_a_wrong_signature_are_refused() {
    let refuse = |body: &str| pack(&module(body), &options()).unwrap_err().to_string();
    assert_eq!(
        refuse(r#"(func (export "proxy_on_request_header") (param i32 i32 i32) (result i32) (i32.const 0))"#),
        "exports `proxy_on_request_header`, which no host calls: misspelt?"
    );
    assert_eq!(
        refuse(r#"(func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))"#),
        "exports `proxy_on_request_headers` as [I32, I32] -> [I32], which Envoy does not call so"
    );
}

#[test]
fn a_module_that_envoy_could_not_use_is_refused() {
    let refuse = |text: &str| pack(&wat::parse_str(text).unwrap(), &options()).unwrap_err();
    assert!(matches!(
        refuse(r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_0")))"#),
        Error::Abi
    ));
    let no_allocator = r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1")))"#;
    assert!(matches!(refuse(no_allocator), Error::NoAllocator));
    let no_entry = r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    assert!(matches!(refuse(no_entry), Error::NoEntry));
    let no_memory = r#"(module (func (export "proxy_abi_version_0_2_1")) (func (export "_initialize"))
        (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    assert!(matches!(refuse(no_memory), Error::NoMemory));
    assert!(matches!(pack(b"\0asm no", &options()), Err(Error::Invalid(_))));
}

#[test]
fn the_manifest_says_what_it_is_and_nothing_of_where_it_was_made() {
    let schema = serde_json::json!({"type": "object", "additionalProperties": false});
    let packed = pack(&module(""), &Options { schema: Some(schema.clone()), ..options() }).unwrap();
    let seen = inspect(&packed).unwrap();
    assert_eq!(seen.custom_sections, ["tollgate.manifest", "tollgate.schema"]);
    assert_eq!(seen.size, packed.len());
    let manifest = seen.manifest.unwrap();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("filter", "1.2.3"));
    assert_eq!((manifest.abi.as_str(), manifest.schema), ("0.2.1", Some(schema)));
}

#[test]
fn a_schema_that_is_no_schema_is_refused_and_not_unpacked_without_bound() {
    use std::io::Write as _;
    let with_schema = |json: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(json).unwrap();
        let data = encoder.finish().unwrap();
        let mut module = walrus::Module::from_buffer(&pack(&module(""), &options()).unwrap()).unwrap();
        module.customs.add(walrus::RawCustomSection { name: "tollgate.schema".into(), data });
        inspect(&module.emit_wasm()).map(|seen| seen.manifest.unwrap().schema)
    };
    assert_eq!(with_schema(b"true").unwrap(), Some(serde_json::Value::Bool(true)));
    let refused = with_schema(b"{").unwrap_err().to_string();
    assert!(refused.contains("section `tollgate.schema`: EOF"), "{refused}");
    let refused = with_schema(&vec![b' '; 2 << 20]).unwrap_err().to_string();
    assert!(refused.ends_with("longer than 1048576 bytes"), "{refused}");
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
fn packing_what_was_packed_changes_nothing() {
    let body = r#"(func (export "proxy_on_tick") (param i32) unreachable)"#;
    let once = pack(&module(body), &options()).unwrap();
    assert_eq!(pack(&once, &options()).unwrap(), once);
}

#[test]
fn names_go_unless_they_are_asked_for() {
    let body = r#"(func $helper unreachable) (func (export "proxy_on_tick") (param i32) (call $helper))"#;
    let contains = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(contains(&module(body), "helper"));
    assert!(!contains(&pack(&module(body), &options()).unwrap(), "helper"));
    assert!(contains(&pack(&module(body), &Options { keep_names: true, ..options() }).unwrap(), "helper"));
}

#[test]
fn stripping_keeps_every_export() {
    let body = r#"(func $named (export "anything")) (func (export "proxy_on_log") (param i32))"#;
    let stripped = inspect(&strip(&module(body)).unwrap()).unwrap();
    assert!(stripped.functions.contains(&"anything".into()));
    assert!(stripped.functions.contains(&"proxy_on_log".into()));
    assert_eq!(stripped.manifest, None);
    assert_eq!(stripped.imports.len(), 2);
}

#[test]
fn an_optimiser_that_does_not_run_is_named() {
    let binaryen = Some(Binaryen { node: "/no/node".into(), wasm_opt: "/no/wasm-opt".into() });
    let refused = pack(&module(""), &Options { binaryen, ..options() }).unwrap_err();
    assert!(refused.to_string().starts_with("wasm-opt: `/no/node`: "), "{refused}");
}
