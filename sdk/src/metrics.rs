//! Counters, gauges and histograms of the proxy, declared as a struct.
//!
//! ```
//! tollgate::metrics! {
//!     /// What the filter counts.
//!     pub struct Metrics("hello") {
//!         /// Requests that were let through.
//!         allowed: Counter,
//!         /// How long the check took, in microseconds.
//!         check_us: Histogram,
//!     }
//! }
//! ```
//! `Metrics::define()` makes `hello.allowed` and `hello.check_us`; Envoy shows them as `wasmcustom.hello.allowed` in
//! `/stats` and as `hello_allowed` to Prometheus. Names are constants because Envoy never frees a metric: a name
//! with user data in it would be a leak that a client controls. They are defined when a filter is configured and
//! must not be touched there, since Envoy configures a plugin on workers + 2 threads.

use crate::{Result, abi, host};

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $kind:literal;)*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(u32);

        impl $name {
            /// Defines it, or finds it if it is there.
            pub fn define(name: &str) -> Result<Self> {
                let mut id = 0;
                // SAFETY: pointers are to live values of the lengths given.
                host::check("define_metric", unsafe {
                    abi::proxy_define_metric($kind, name.as_ptr(), name.len(), &mut id)
                })?;
                Ok(Self(id))
            }
        }
    )* };
}

kinds! {
    /// Only grows.
    Counter = 0;
    /// Goes up and down.
    Gauge = 1;
    /// A distribution of values.
    Histogram = 2;
}

// A metric that the host refuses must not change what becomes of a request, so none of these returns an error; the
// host has checked the id when the metric was defined.
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

    /// Its value, over all workers.
    pub fn value(self) -> Result<u64> {
        let mut value = 0;
        // SAFETY: the pointer is to a live value.
        host::check("get_metric", unsafe { abi::proxy_get_metric(self.0, &mut value) })?;
        Ok(value)
    }
}

impl Gauge {
    /// Adds `difference`, which may be negative. Envoy's gauges wrap below zero.
    pub fn add(self, difference: i32) {
        // SAFETY: numbers only.
        let _ = unsafe { abi::proxy_increment_metric(self.0, difference.into()) };
    }

    /// Sets it.
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

/// Declares a struct of metrics; see the [module](crate::metrics).
#[macro_export]
macro_rules! metrics {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident($prefix:literal) { $($(#[$field_meta:meta])* $field:ident: $kind:ident),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name { $($(#[$field_meta])* $vis $field: $crate::metrics::$kind),* }

        impl $name {
            /// Defines all of them, or finds those that are there.
            $vis fn define() -> $crate::Result<Self> {
                Ok(Self {
                    $($field: $crate::metrics::$kind::define(concat!($prefix, ".", stringify!($field)))?),*
                })
            }
        }
    };
}
