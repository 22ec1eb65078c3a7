//! Counters, gauges and histograms of the proxy, declared as a struct.
//!
//! ```
//! tollgate::metrics! {
//!     /// Metrics of the filter.
//!     pub struct Metrics("hello") {
//!         /// Requests that were allowed.
//!         allowed: Counter,
//!         /// Duration of the check in microseconds.
//!         check_us: Histogram,
//!     }
//! }
//! ```
//! `Metrics::define()` creates `hello.allowed` and `hello.check_us`. Envoy shows them as
//! `wasmcustom.hello.allowed` in `/stats` and as `hello_allowed` to Prometheus. Names are constants because
//! Envoy never frees a metric: a name with user data would be a leak that clients control. Define metrics
//! when the filter is configured, but do not change their values there, because Envoy configures a plugin on
//! every worker, on the main thread and in a canary VM.

use crate::error::Result;
use crate::{abi, host};

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $kind:literal;)*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(u32);

        impl $name {
            /// Defines the metric `name`, or finds it if it exists.
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

/// Declares a struct of metrics. See the [module](mod@crate::metrics).
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
            /// Defines all metrics, or finds those that exist.
            $vis fn define() -> $crate::Result<Self, $crate::Error> {
                Ok(Self {
                    $($field: $crate::metrics::$kind::define(concat!($prefix, ".", stringify!($field)))?),*
                })
            }
        }
    };
}
