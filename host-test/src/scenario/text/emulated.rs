//! Options of the emulator in a scenario file. A real Envoy has none of them.

use super::values::{schema, shown};
use crate::emulator::{Builder, Fault, is_callback, is_host_call};
use chrono::Datelike as _;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::time::Duration;

/// Options of the emulator. A scenario with any of them does not run on a real Envoy.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EmulatorText {
    /// Time at which the virtual clock starts. Defaults to `2026-01-01T00:00:00Z`.
    pub start_time: Option<DateTime>,
    /// Seed of all randomness: the bytes of `random_get`, and the ids that the proxy generates.
    pub seed: Option<u64>,
    /// Instructions after which a callback is stopped, which counts as a trap.
    pub max_instructions: Option<u64>,
    /// Failures in place of host calls, callbacks and allocations. They are numbered from 1, from the start
    /// and in all VMs: each filter starts in a VM that tries its configuration, on the main thread, and on
    /// each worker.
    pub faults: Vec<Fault>,
}

/// A time as in RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct DateTime(pub Duration);

schema!(DateTime: { "type": "string", "format": "date-time", "description": "A time as in RFC 3339, such as `2030-01-01T00:00:00Z`." });

impl TryFrom<Value> for DateTime {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let time = value.as_str().and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
        // The clock counts nanoseconds since 1970, up to the year 2554. Tests need time after the start.
        let time = time.filter(|time| (1970..=2500).contains(&time.to_utc().year()));
        let since = time.and_then(|time| {
            Some(Duration::new(u64::try_from(time.timestamp()).ok()?, time.timestamp_subsec_nanos()))
        });
        since.map(Self).ok_or_else(|| {
            format!(
                "invalid time {}, expected one from 1970 to 2500 such as `2030-01-01T00:00:00Z`",
                shown(&value)
            )
        })
    }
}

impl EmulatorText {
    /// Whether no option is set.
    pub fn is_empty(&self) -> bool {
        self.start_time.is_none()
            && self.seed.is_none()
            && self.max_instructions.is_none()
            && self.faults.is_empty()
    }

    /// Checks the names in faults: one of an unknown call would never happen.
    pub fn check(&self) -> Result<(), (String, String)> {
        if self.max_instructions == Some(0) {
            return Err(("max_instructions".into(), "`0` is out of range, expected at least 1".into()));
        }
        for (i, fault) in self.faults.iter().enumerate() {
            let (kind, name, known) = match fault {
                Fault::Call { name, .. } => ("call", name, is_host_call(name)),
                Fault::Callback { name, .. } => ("callback", name, is_callback(name)),
                Fault::Allocation { .. } => continue,
            };
            if !known {
                let what = if kind == "call" { "host call" } else { "callback" };
                let why = format!("unknown {what} `{name}`, expected a name such as `{}`", example(kind));
                return Err((format!("faults[{i}].{kind}.name"), why));
            }
        }
        Ok(())
    }

    /// Sets the options.
    pub fn apply(&self, mut builder: Builder) -> Builder {
        if let Some(DateTime(time)) = self.start_time {
            builder = builder.start_time(time);
        }
        if let Some(seed) = self.seed {
            builder = builder.seed(seed);
        }
        if let Some(most) = self.max_instructions {
            builder = builder.instructions(most);
        }
        builder.faults(self.faults.iter().cloned())
    }
}

/// Returns a name of a host call, or of a callback.
pub(super) fn example(kind: &str) -> &'static str {
    if kind == "call" { "proxy_http_call" } else { "proxy_on_request_headers" }
}
