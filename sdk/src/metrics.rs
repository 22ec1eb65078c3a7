//! Counters, gauges and histograms of the proxy, declared as a struct.
//!
//! ```
//! use tollgate::metrics::{Counter, Family, Histogram, NamedFamily};
//! use tollgate::{Label, Metrics};
//!
//! #[derive(Clone, Copy, Label)]
//! enum Reason {
//!     Missing,
//!     TooLong,
//! }
//!
//! #[derive(Metrics)]
//! #[metrics(prefix = "hello")]
//! struct Statistics {
//!     /// Requests that were allowed.
//!     allowed: Counter,
//!     /// Requests that were rejected, by reason.
//!     #[metric(by(reason))]
//!     denied: Family<Reason>,
//!     /// Requests, by the team that the configuration names.
//!     #[metric(by(team))]
//!     team: NamedFamily<Counter>,
//!     /// Duration of the check in microseconds.
//!     check_us: Histogram,
//! }
//! # let _ = |stat_prefix: &str, teams: &[String]| Statistics::define(stat_prefix, teams);
//! ```
//! The derive generates `Statistics::define(prefix, ..)`, with a list of names for each [`NamedFamily`].
//! `define("", ["red"])` creates `hello.allowed`, `hello.denied.missing`, `hello.denied.too_long`,
//! `hello.team.red` and `hello.check_us`. A prefix, such as the `stat_prefix` of a configuration, follows
//! that of the struct: `define("edge", ..)` creates `hello.edge.allowed`. An error names the metric.
//!
//! | attribute | meaning |
//! |---|---|
//! | `#[metrics(prefix = "hello")]` | first part of all names; empty by default |
//! | `#[metric(name = "denied")]` | name instead of that of the field |
//! | `#[metric(by(reason))]` | the label of a family; for `NamedFamily<Family<..>>` two: `by(team, reason)` |
//! | `#[metric(flatten)]` | a [`Family`] whose metrics have no label: `hello.missing`, `hello.too_long` |
//!
//! Envoy shows a metric as `wasmcustom.hello.allowed` in `/stats`, and as `hello_allowed` to Prometheus. The
//! values of a label are the last parts of the name, so that a regular expression in Envoy's `stats_tags` can
//! turn them into labels: `hello_denied{reason="missing"}`. `tollgate stats-tags MODULE` prints these
//! expressions.
//!
//! Two metrics with one name, and a metric with the name of a family, do not compile: Prometheus could not
//! tell them apart.
//!
//! Names are constants or parts of the configuration, because Envoy never frees a metric: a name with data of
//! a client would be a leak that clients control. Define metrics when the filter is configured, but do not
//! change their values there, because Envoy configures a plugin on every worker, on the main thread and in a
//! canary VM.

use crate::error::Result;
use crate::{abi, host};
use std::fmt;
use std::marker::PhantomData;
use tollgate_types::{ConfigError, Label};

/// A metric or a family of metrics, as a field of a struct with `#[derive(Metrics)]`.
pub trait Metric: Sized {
    /// Defines the metric with this name, or the family whose names begin with it.
    #[doc(hidden)]
    fn define_as(name: &mut Name) -> Self;
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $kind:literal;)*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(u32);

        impl $name {
            /// Defines the metric `name`, or finds it if it exists.
            pub fn define(name: &str) -> std::result::Result<Self, ConfigError> {
                let mut name = Name::new(name, "");
                let metric = Self::define_as(&mut name);
                name.finish(metric)
            }
        }

        impl Metric for $name {
            fn define_as(name: &mut Name) -> Self {
                Self(name.define($kind))
            }
        }
    )* };
}

kinds! {
    /// A value that only increases.
    Counter = 0;
    /// A value that can increase and decrease.
    Gauge = 1;
    /// A distribution of values.
    Histogram = 2;
}

// A failed update of a metric must not change the result of a request, so these methods return no error. The
// host checked the id when the metric was defined.
impl Counter {
    /// Adds one.
    pub fn increment(self) {
        self.add(1);
    }

    /// Adds `count`.
    pub fn add(self, count: u32) {
        if count > 0 {
            // SAFETY: numbers only.
            let _ = unsafe { abi::proxy_increment_metric(self.0, count.into()) };
        }
    }

    /// Returns the value, summed over all workers.
    pub fn value(self) -> Result<u64> {
        let mut value = 0;
        // SAFETY: the pointer is to a live value.
        host::check("get_metric", unsafe { abi::proxy_get_metric(self.0, &mut value) })?;
        Ok(value)
    }
}

impl Gauge {
    /// Adds `difference`, which may be negative. Envoy's gauges wrap around below zero.
    pub fn add(self, difference: i32) {
        // SAFETY: numbers only.
        let _ = unsafe { abi::proxy_increment_metric(self.0, difference.into()) };
    }

    /// Sets the value.
    pub fn set(self, value: u64) {
        // SAFETY: numbers only.
        let _ = unsafe { abi::proxy_record_metric(self.0, value) };
    }
}

impl Histogram {
    /// Records a value.
    pub fn record(self, value: u64) {
        // SAFETY: numbers only.
        let _ = unsafe { abi::proxy_record_metric(self.0, value) };
    }
}

/// Counters, one per variant of an enum: `<name>.<variant>`.
#[derive(Clone, Debug)]
pub struct Family<L> {
    counters: Vec<Counter>,
    label: PhantomData<L>,
}

impl<L: Label> Family<L> {
    /// Adds one to the counter of a variant.
    pub fn increment(&self, label: L) {
        self.add(label, 1);
    }

    /// Adds `count` to the counter of a variant.
    pub fn add(&self, label: L, count: u32) {
        if let Some(counter) = self.counters.get(label.index()) {
            counter.add(count);
        }
    }
}

impl<L: Label> Metric for Family<L> {
    fn define_as(name: &mut Name) -> Self {
        let counters =
            name.counters(L::ALL.len(), &|index| L::ALL.get(index).map_or("", |label| label.name()));
        Self { counters, label: PhantomData }
    }
}

/// Metrics, one per name of a list in the configuration: `<name>.<name in the list>`. The names consist of
/// letters, digits, `_` and `-`.
#[derive(Clone, Debug)]
pub struct NamedFamily<M>(Vec<M>);

impl<M> NamedFamily<M> {
    /// Returns the metric for the name at this position in the list.
    pub fn get(&self, index: usize) -> Option<&M> {
        self.0.get(index)
    }
}

impl<L: Label> NamedFamily<Family<L>> {
    /// Adds one to the counter of a variant, for the name at this position in the list.
    pub fn increment(&self, index: usize, label: L) {
        if let Some(family) = self.get(index) {
            family.increment(label);
        }
    }
}

/// Name of a metric, to which parts are added in the same buffer, and the first error. After an error,
/// nothing more is defined.
#[doc(hidden)]
#[derive(Debug)]
pub struct Name {
    text: String,
    error: Option<ConfigError>,
}

impl Name {
    pub fn new(filter: &str, prefix: &str) -> Self {
        let mut name = Self { text: String::new(), error: None };
        name.push(filter);
        name.push(prefix);
        name
    }

    /// Defines the metric or the family of a field.
    pub fn metric<M: Metric>(&mut self, field: &str) -> M {
        let len = self.push(field);
        let metric = M::define_as(self);
        self.text.truncate(len);
        metric
    }

    /// Defines the family of a field for a list of names.
    pub fn list<M: Metric>(
        &mut self,
        field: &str,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> NamedFamily<M> {
        let len = self.push(field);
        let metrics = names.into_iter().map(|name| {
            self.check(name.as_ref());
            self.metric(name.as_ref())
        });
        let metrics = metrics.collect();
        self.text.truncate(len);
        NamedFamily(metrics)
    }

    /// Defines one counter per name.
    #[inline(never)]
    fn counters(&mut self, count: usize, name_of: &dyn Fn(usize) -> &'static str) -> Vec<Counter> {
        (0..count).map(|index| self.metric(name_of(index))).collect()
    }

    /// Returns the metrics, or the first error.
    pub fn finish<M>(self, metrics: M) -> std::result::Result<M, ConfigError> {
        self.error.map_or(Ok(metrics), Err)
    }

    #[inline(never)]
    fn define(&mut self, kind: u32) -> u32 {
        let mut id = 0;
        if self.error.is_none() {
            // SAFETY: pointers are to live values of the lengths given.
            let raw = unsafe { abi::proxy_define_metric(kind, self.text.as_ptr(), self.text.len(), &mut id) };
            if let Err(error) = host::check("define_metric", raw) {
                self.fail(&error);
            }
        }
        id
    }

    /// Rejects a name with a dot: the value of a label ends at the next dot.
    #[inline(never)]
    fn check(&mut self, name: &str) {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if self.error.is_none() && (name.is_empty() || !name.bytes().all(valid)) {
            let len = self.push(name);
            self.fail(&"invalid name, expected letters, digits and `_-`");
            self.text.truncate(len);
        }
    }

    #[cold]
    #[inline(never)]
    fn fail(&mut self, error: &dyn fmt::Display) {
        self.error = Some(ConfigError::here(&format_args!("metric `{}`: {error}", self.text)));
    }

    /// Adds a part, and returns the previous length. An empty part adds nothing.
    #[inline(never)]
    fn push(&mut self, part: &str) -> usize {
        let len = self.text.len();
        if !part.is_empty() {
            if len > 0 {
                self.text.push('.');
            }
            self.text.push_str(part);
        }
        len
    }
}
