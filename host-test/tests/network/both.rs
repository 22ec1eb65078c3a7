//! Runs scenarios on both hosts, with filters that log their callbacks.

use crate::call;
use crate::guest::{Do, Guest, wat};
use std::time::Duration;
use tollgate_host_test::{ClientView, Connection, Outcome, Scenario, Script, TcpUpstream};

/// Declares scenarios that must have the same outcome on both hosts.
macro_rules! agree {
    ($($(#[$meta:meta])* $name:ident: $scenario:expr;)*) => { $(
        $(#[$meta])*
        #[test]
        fn $name() {
            $crate::both::check(&$scenario);
        }
    )* };
}
pub(crate) use agree;

/// The callbacks of a connection, and how many arguments they have after the context.
const CALLBACKS: &[(&str, usize)] = &[
    ("context_create", 1),
    ("new_connection", 0),
    ("downstream_data", 2),
    ("upstream_data", 2),
    ("downstream_connection_close", 1),
    ("upstream_connection_close", 1),
    ("done", 0),
    ("log", 0),
    ("delete", 0),
];

/// A filter that logs each callback with its arguments.
pub struct Told {
    guest: Guest,
    name: &'static str,
}

impl Told {
    pub fn new(name: &'static str) -> Self {
        let told = Self { guest: Guest::new(), name };
        CALLBACKS.iter().fold(told, |told, (callback, _)| told.on(callback, []))
    }

    /// Adds calls to a callback. It logs first, and returns the value that lets the host continue.
    pub fn on(self, callback: &str, calls: impl IntoIterator<Item = Do>) -> Self {
        let proceed = u32::from(matches!(callback, "done" | "configure" | "vm_start"));
        self.returning(callback, calls, proceed)
    }

    /// Adds a callback that only logs and returns a value.
    pub fn returns(self, callback: &str, value: u32) -> Self {
        self.returning(callback, [], value)
    }

    pub fn returning(mut self, callback: &str, calls: impl IntoIterator<Item = Do>, value: u32) -> Self {
        let line = format!("{} {callback}", self.name);
        let args = CALLBACKS.iter().find(|(name, _)| *name == callback).map_or(0, |(_, args)| *args);
        let said = std::iter::once(call!("log", 2, (line.as_str()))).chain((1..=args).map(|arg| {
            wat(&format!(
                "(i32.store (i32.const 40) (local.get {arg})) (call $tell (i32.const 40) (i32.const 4))"
            ))
        }));
        self.guest = self.guest.on_returning(callback, said.chain(calls), value);
        self
    }

    /// Sets the export that declares the ABI version.
    pub fn marker(mut self, marker: &'static str) -> Self {
        self.guest = self.guest.marker(marker);
        self
    }

    pub fn filter(&self) -> tollgate_host_test::Filter {
        self.guest.filter().named(self.name)
    }

    /// Returns a scenario with only this filter.
    pub fn alone(&self) -> Scenario {
        Scenario::new().network_filter(self.filter())
    }
}

/// Returns a scenario with these two filters.
pub fn chain(first: &Told, second: &Told) -> Scenario {
    first.alone().network_filter(second.filter())
}

/// Makes each call log its results.
pub fn told(calls: impl IntoIterator<Item = Do>) -> Vec<Do> {
    calls.into_iter().map(crate::guest::told).collect()
}

/// Sets the tick period. [`tick`] makes calls for the first connection, once.
pub fn tick_after(ms: u32) -> Do {
    call!("set_tick_period_milliseconds", (ms.cast_signed()))
}

pub fn tick(calls: impl IntoIterator<Item = Do>) -> Vec<Do> {
    let first = [call!("set_tick_period_milliseconds", 0), call!("set_effective_context", 2)];
    told(first.into_iter().chain(calls))
}

pub const MS: Duration = Duration::from_millis(1);

/// Sends two pieces, each after the previous one came back, and then shuts down.
pub fn talks() -> Connection {
    Connection::new().send("one").receive(3).send("two").receive(3).shut_down()
}

/// A client that receives no answer, and gives up after 0.8 seconds.
pub fn unanswered() -> Connection {
    Connection::new().patience(800 * MS)
}

/// Sends a piece that the proxy does not read together with the next one.
pub fn apart(script: Script, piece: &str) -> Script {
    script.send(piece).wait(40 * MS)
}

pub fn upstream(script: Script) -> TcpUpstream {
    TcpUpstream::Script(script)
}

#[track_caller]
pub fn check(scenario: &Scenario) {
    crate::agreement::check(scenario, settle);
}

/// Properties whose values differ between any two runs.
const VARYING: &[&str] = &[
    "connection_id",
    "connection\\x00id",
    "source\\x00address",
    "source\\x00port",
    "destination\\x00address",
    "destination\\x00port",
    "upstream\\x00address",
    "upstream\\x00port",
    "upstream\\x00local_address",
    "upstream\\x00cx_pool_ready_duration",
    "request\\x00time",
];

/// Replaces values that differ between runs by their kind: an address, or a number.
fn settle(mut outcome: Outcome) -> Outcome {
    for exchange in &mut outcome.exchanges {
        if let ClientView::Response(response) = &mut exchange.client {
            response.headers.remove("x-envoy-upstream-service-time");
        }
    }
    for i in 1..outcome.logs.len() {
        let asked = &outcome.logs[i - 1].text;
        if VARYING.iter().any(|path| asked.contains(path)) && asked.ends_with("= 00") {
            let text = &mut outcome.logs[i].text;
            *text = match text.strip_prefix("127.0.0.1:") {
                Some(port) => format!("an address with a port: {}", port.parse::<u16>().is_ok()),
                None => "a number".into(),
            };
        }
    }
    outcome
}
