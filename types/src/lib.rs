//! Types that the SDK and the policies share. None of them needs a host, a clock or randomness.
//!
//! A policy is a function from a configuration and facts to a decision. The configuration is a type with
//! [`#[derive(Config)]`](derive@Config), facts are [`RequestFacts`] and [`ResponseFacts`], and a decision has
//! [`HeaderEdit`]s or a [`Refusal`]. The SDK reads the facts from the host and carries out the decision.
//!
//! Three rules apply to all types:
//!
//! - **Parse, then trust.** A configuration is read into types that cannot hold an invalid value. An error
//!   has the path of the field and the invalid value in backticks.
//! - **Bytes, not text.** Clients may send bytes that are not UTF-8. A policy must decide about any bytes.
//! - **Total functions.** No function panics, whatever the facts are: a panic would destroy the VM of a
//!   worker.

// The derived code names this crate `::tollgate`.
extern crate self as tollgate;

pub mod config;
mod cookie;
mod duration;
mod edit;
mod escapes;
mod facts;
mod header;
mod label;
mod record;
mod refusal;
mod time;
pub mod uri;

pub use config::{Config, ConfigError, FieldPath, Named};
pub use cookie::{Cookie, cookies};
pub use duration::{Duration, InvalidDuration};
pub use edit::HeaderEdit;
pub use escapes::{form_decoded, percent_decoded};
pub use facts::{Headers, RequestFacts, ResponseFacts};
pub use header::{
    EditableName, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue, is_token, is_valid_value,
};
pub use label::Label;
pub use record::Record;
pub use refusal::{HeaderField, Refusal, ResponseDetails};
#[doc(no_inline)]
pub use serde_json::Value;
pub use time::UnixNanos;
/// Implements [`Label`](trait@Label) for an enum without values.
pub use tollgate_macros::Label;
