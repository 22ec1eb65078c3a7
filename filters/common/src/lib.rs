//! Types that all policies of Tollgate's filters share.
//!
//! A policy is a function from a configuration and facts to a decision. It has no access to the host, a clock
//! or a source of randomness: time ([`UnixNanos`]) and random draws are arguments, and a decision is a return
//! value. The shell around the policy makes the host calls. The same policy code can therefore be
//! unit-tested, property-tested, fuzzed, and run in Envoy.
//!
//! All filters use the same notation, so that an operator learns it once: durations are `"250ms"`,
//! percentages are `12.5`, matchers are `{"prefix": ".."}`, networks are `"10.0.0.0/8"`, header values are
//! `"%REQ(x-team)%"`.
//!
//! Three rules apply to all types:
//!
//! - **Parse, then trust.** A configuration is deserialised into types that cannot hold an invalid value. An
//!   error names the invalid value in backticks; the deserialiser adds the path.
//! - **Bytes, not text.** Clients may send bytes that are not UTF-8. A policy must decide about any bytes.
//! - **Total functions.** No function panics, whatever the facts are: a panic would destroy the VM of a
//!   worker.

mod body_format;
mod cidr;
mod duration;
mod edit;
mod escapes;
mod facts;
mod field_matcher;
mod header;
mod named;
mod path_matcher;
mod percent;
mod places;
mod problem;
mod read;
mod request_match;
mod rules;
mod string_matcher;
mod template;
mod text;
mod time;

pub use body_format::BodyFormat;
pub use cidr::{Cidr, InvalidCidr};
pub use duration::{Duration, InvalidDuration};
pub use edit::HeaderEdit;
pub use escapes::{form_decoded, percent_decoded};
pub use facts::{Headers, RequestFacts, ResponseFacts};
pub use field_matcher::{HeaderMatcher, QueryMatcher};
pub use header::{
    EditableName, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue, is_token, is_valid_value,
};
pub use named::Named;
pub use path_matcher::{InvalidPathMatcher, PathMatcher};
pub use percent::{InvalidPercent, Percent};
pub use places::Places;
pub use problem::{ConfigProblem, Place, Problem};
pub use read::{Field, Object, Read, ReadError, only_member, read, variant};
pub use request_match::RequestMatch;
pub use rules::{Conditional, Rules};
#[doc(no_inline)]
pub use serde_json::Value;
pub use string_matcher::{InvalidMatcher, StringMatcher};
pub use template::{InvalidTemplate, Reference, Source, Template, TemplateProblem, Variable};
pub use time::UnixNanos;
