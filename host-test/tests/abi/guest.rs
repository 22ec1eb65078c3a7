//! Builds test modules in which each callback is a list of host calls. The emulator's trace contains the
//! results, so modules do not check them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;
use tempfile::NamedTempFile;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Filter, Outcome, Request, Scenario, Wasm};

/// An argument of a host call.
#[derive(Clone, Debug)]
pub enum Arg {
    /// A number.
    I(u32),
    /// A number of 64 bits.
    L(i64),
    /// Bytes in memory: a pointer and a length.
    B(Vec<u8>),
    /// Where a result goes.
    Out,
}

impl From<i32> for Arg {
    fn from(n: i32) -> Self {
        Arg::I(n.cast_unsigned())
    }
}

impl From<i64> for Arg {
    fn from(n: i64) -> Self {
        Arg::L(n)
    }
}

impl From<&str> for Arg {
    fn from(s: &str) -> Self {
        Arg::B(s.as_bytes().to_vec())
    }
}

impl From<&[u8]> for Arg {
    fn from(s: &[u8]) -> Self {
        Arg::B(s.to_vec())
    }
}

impl From<Vec<u8>> for Arg {
    fn from(s: Vec<u8>) -> Self {
        Arg::B(s)
    }
}

/// An action of a callback.
#[derive(Clone, Debug)]
pub enum Do {
    /// A host call. Names of `env` begin with `proxy_`; all others are WASI's.
    Call(String, Vec<Arg>),
    /// A host call whose status and results are logged.
    Told(String, Vec<Arg>),
    /// Any instructions.
    Wat(String),
}

/// A host call: `call!("proxy_log", 2, "text")`; `_` is a place for a result.
#[macro_export]
macro_rules! call {
    ($name:expr $(, $arg:tt)* $(,)?) => {
        $crate::guest::Do::Call(format!("proxy_{}", $name), vec![$($crate::arg!($arg)),*])
    };
}

/// Converts one argument.
#[macro_export]
macro_rules! arg {
    (_) => {
        $crate::guest::Arg::Out
    };
    ($value:tt) => {
        $crate::guest::Arg::from($value)
    };
}

/// Instructions.
pub fn wat(text: &str) -> Do {
    Do::Wat(text.into())
}

/// Makes the call log its status and results, because a real Envoy has no trace.
pub fn told(call: Do) -> Do {
    match call {
        Do::Call(name, args) => Do::Told(name, args),
        other => other,
    }
}

/// Builds a module.
#[derive(Clone, Debug)]
pub struct Guest {
    marker: &'static str,
    allocator: &'static str,
    callbacks: BTreeMap<String, (Vec<Do>, u32)>,
}

/// Returns the number of parameters of a callback, and whether it returns a value.
fn shape(name: &str) -> (usize, bool) {
    match name {
        "proxy_on_tick" | "proxy_on_log" | "proxy_on_delete" => (1, false),
        "proxy_on_context_create" | "proxy_on_queue_ready" => (2, false),
        "proxy_on_grpc_receive_initial_metadata"
        | "proxy_on_grpc_receive"
        | "proxy_on_grpc_receive_trailing_metadata"
        | "proxy_on_grpc_close" => (3, false),
        "proxy_on_http_call_response" => (5, false),
        "proxy_on_done" | "proxy_on_new_connection" => (1, true),
        "proxy_on_downstream_connection_close" | "proxy_on_upstream_connection_close" => (2, false),
        "proxy_on_vm_start" | "proxy_on_configure" => (2, true),
        "proxy_on_request_trailers" | "proxy_on_response_trailers" => (2, true),
        "_initialize" | "_start" => (0, false),
        _ => (3, true),
    }
}

impl Guest {
    /// Creates a module of ABI 0.2.1 without callbacks.
    pub fn new() -> Self {
        let callbacks = BTreeMap::from([("_initialize".to_owned(), (Vec::new(), 0))]);
        Self { marker: "proxy_abi_version_0_2_1", allocator: "proxy_on_memory_allocate", callbacks }
    }

    /// Sets the export that declares the ABI version.
    pub fn marker(mut self, marker: &'static str) -> Self {
        self.marker = marker;
        self
    }

    /// Sets the name of the allocator's export; empty for none.
    pub fn allocator(mut self, allocator: &'static str) -> Self {
        self.allocator = allocator;
        self
    }

    /// Adds a callback that makes these calls and returns 0, or 1 for a callback of the root context.
    pub fn on(self, name: &str, calls: impl IntoIterator<Item = Do>) -> Self {
        let returned = u32::from(matches!(name, "vm_start" | "configure" | "done"));
        self.on_returning(name, calls, returned)
    }

    /// Adds a callback that makes these calls and returns a value.
    pub fn on_returning(mut self, name: &str, calls: impl IntoIterator<Item = Do>, value: u32) -> Self {
        let name = if name.starts_with('_') { name.to_owned() } else { format!("proxy_on_{name}") };
        self.callbacks.insert(name, (calls.into_iter().collect(), value));
        self
    }

    /// Returns the module as text.
    pub fn text(&self) -> String {
        let mut imports = BTreeMap::new();
        let mut data = Vec::new();
        let mut functions = String::new();
        for (name, (calls, value)) in &self.callbacks {
            let (params, returns) = shape(name);
            let params = if self.marker == "proxy_abi_version_0_1_0" && name.ends_with("_headers") {
                2
            } else {
                params
            };
            functions += &format!("(func (export \"{name}\") {}", "(param i32)".repeat(params));
            functions += if returns { "(result i32)\n" } else { "\n" };
            for call in calls {
                functions += &match call {
                    Do::Wat(text) => text.clone(),
                    Do::Call(name, args) => {
                        format!("(drop {})", invoke(name, args, &mut imports, &mut data))
                    }
                    Do::Told(name, args) => tell(name, args, &mut imports, &mut data),
                };
                functions += "\n";
            }
            functions += &if returns { format!("(i32.const {value}))\n") } else { ")\n".into() };
        }
        let teller = if functions.contains("$tell") { TELLER } else { "" };
        let imports: String = imports.into_values().collect();
        let allocator = match self.allocator {
            "" => String::new(),
            name => format!("(export \"{name}\" (func $allocate))"),
        };
        let data: String = data.iter().map(|b| format!("\\{b:02x}")).collect();
        format!(
            r#"(module {imports}
            (memory (export "memory") 32)
            (global $top (mut i32) (i32.const 1048576))
            (func $allocate (param $n i32) (result i32)
              (local $at i32)
              (local.set $at (global.get $top))
              (global.set $top (i32.add (global.get $top) (local.get $n)))
              (local.get $at))
            {allocator}
            {teller}
            (func (export "{marker}"))
            {functions}
            (data (i32.const 4096) "{data}"))"#,
            marker = self.marker,
        )
    }

    /// Returns a filter with this module.
    pub fn filter(&self) -> Filter {
        module(&self.text())
    }

    /// Returns a scenario with only this filter.
    pub fn scenario(&self) -> Scenario {
        Scenario::new().filter(self.filter())
    }

    /// Starts the proxy.
    pub fn start(&self) -> Emulator {
        Emulator::new(&self.scenario()).unwrap()
    }

    /// Sends one request.
    pub fn get(&self) -> Outcome {
        tollgate_host_test::emulator::run(&self.scenario().request(Request::get("/"))).unwrap()
    }
}

/// A module by its text.
pub fn module(text: &str) -> Filter {
    let bytes = wat::parse_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    // Each new VM reads the file again, so it stays. The next run uses the same name.
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("guest-{:016x}.wasm", hasher.finish()));
    let mut file = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    file.write_all(&bytes).unwrap();
    // Other tests may read the same file now.
    file.persist(&path).unwrap();
    let mut filter = Filter::new(Wasm::file(path));
    filter.name = "guest".into();
    filter
}

fn invoke(name: &str, args: &[Arg], imports: &mut BTreeMap<String, String>, data: &mut Vec<u8>) -> String {
    let mut types = String::new();
    let mut pushed = String::new();
    for (place, arg) in args.iter().enumerate() {
        match arg {
            Arg::I(n) => {
                types += " i32";
                pushed += &format!("(i32.const {n})");
            }
            Arg::L(n) => {
                types += " i64";
                pushed += &format!("(i64.const {n})");
            }
            Arg::B(bytes) => {
                types += " i32 i32";
                pushed += &format!("(i32.const {})(i32.const {})", 4096 + data.len(), bytes.len());
                data.extend_from_slice(bytes);
            }
            Arg::Out => {
                types += " i32";
                pushed += &format!("(i32.const {})", 64 + 8 * place);
            }
        }
    }
    let proxy = name.starts_with("proxy_");
    let (module, field) = if proxy {
        ("env", name)
    } else {
        ("wasi_snapshot_preview1", name.strip_prefix("wasi_").unwrap_or(name))
    };
    let import = format!("(import \"{module}\" \"{field}\" (func ${name} (param{types}) (result i32)))\n");
    imports.insert(name.into(), import);
    format!("(call ${name} {pushed})")
}

/// Logs bytes, in hexadecimal unless they are printable.
const TELLER: &str = r"
(func $digit (param $d i32) (result i32)
  (i32.add (local.get $d) (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $d) (i32.const 9)))))
(func $tell (param $p i32) (param $n i32)
  (local $o i32) (local $b i32)
  (local.set $o (i32.const 524288))
  (block $done (loop $next
    (br_if $done (i32.eqz (local.get $n)))
    (local.set $b (i32.load8_u (local.get $p)))
    (if (i32.and (i32.ne (local.get $b) (i32.const 92))
          (i32.and (i32.ge_u (local.get $b) (i32.const 32)) (i32.lt_u (local.get $b) (i32.const 127))))
      (then
        (i32.store8 (local.get $o) (local.get $b))
        (local.set $o (i32.add (local.get $o) (i32.const 1))))
      (else
        (i32.store8 (local.get $o) (i32.const 92))
        (i32.store8 offset=1 (local.get $o) (call $digit (i32.shr_u (local.get $b) (i32.const 4))))
        (i32.store8 offset=2 (local.get $o) (call $digit (i32.and (local.get $b) (i32.const 15))))
        (local.set $o (i32.add (local.get $o) (i32.const 3)))))
    (local.set $p (i32.add (local.get $p) (i32.const 1)))
    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
    (br $next)))
  (drop (call $proxy_log (i32.const 2) (i32.const 524288) (i32.sub (local.get $o) (i32.const 524288)))))";

/// Makes a call, and logs its description with its status, and its results if it succeeded.
fn tell(name: &str, args: &[Arg], imports: &mut BTreeMap<String, String>, data: &mut Vec<u8>) -> String {
    let log = "(import \"env\" \"proxy_log\" (func $proxy_log (param i32 i32 i32) (result i32)))\n";
    imports.insert("proxy_log".into(), log.into());
    let shown: Vec<String> = args
        .iter()
        .map(|arg| match arg {
            Arg::I(n) => n.cast_signed().to_string(),
            Arg::L(n) => n.to_string(),
            Arg::B(bytes) => bytes.escape_ascii().to_string(),
            Arg::Out => "_".into(),
        })
        .collect();
    let text = format!("{name}({}) = ??", shown.join(", "));
    let at = 4096 + data.len();
    data.extend_from_slice(text.as_bytes());
    let end = at + text.len();
    let call = invoke(name, args, imports, data);
    let outs: Vec<usize> =
        (0..args.len()).filter(|i| matches!(args[*i], Arg::Out)).map(|i| 64 + 8 * i).collect();
    let zeroed: String =
        outs.iter().map(|out| format!("(i64.store (i32.const {out}) (i64.const 0))")).collect();
    let given = match outs.as_slice() {
        [] => String::new(),
        [one] => format!("(call $tell (i32.const {one}) (i32.const 4))"),
        [pointer, length] => {
            format!("(call $tell (i32.load (i32.const {pointer})) (i32.load (i32.const {length})))")
        }
        [.., pointer, length] if name.ends_with("get_status") => {
            format!("(call $tell (i32.const {}) (i32.const 4))", outs[0])
                + &format!("(call $tell (i32.load (i32.const {pointer})) (i32.load (i32.const {length})))")
        }
        [pointer, length, ..] => {
            format!("(call $tell (i32.load (i32.const {pointer})) (i32.load (i32.const {length})))")
        }
    };
    // The two results of `get_buffer_status` are not pointers.
    let given = if name.ends_with("get_buffer_status") {
        format!("(call $tell (i32.const {}) (i32.const 4))", outs[0])
    } else {
        given
    };
    format!(
        "{zeroed}(i32.store (i32.const 32) {call})\
         (i32.store8 (i32.const {}) (i32.add (i32.const 48) (i32.div_u (i32.load (i32.const 32)) (i32.const 10))))\
         (i32.store8 (i32.const {}) (i32.add (i32.const 48) (i32.rem_u (i32.load (i32.const 32)) (i32.const 10))))\
         (drop (call $proxy_log (i32.const 2) (i32.const {at}) (i32.const {})))\
         (if (i32.eqz (i32.load (i32.const 32))) (then {given}))",
        end - 2,
        end - 1,
        text.len(),
    )
}

/// A WASI call.
pub fn wasi(name: &str, args: Vec<Arg>) -> Do {
    Do::Call(format!("wasi_{name}"), args)
}

/// Returns the results of all calls with this name, in order: the part of the trace after the arrow.
pub fn answers(trace: &[String], call: &str) -> Vec<String> {
    let call = format!("{call}(");
    let lines = trace.iter().filter(|line| line.contains(&call));
    lines.map(|line| line.rsplit_once(" -> ").unwrap().1.to_owned()).collect()
}
