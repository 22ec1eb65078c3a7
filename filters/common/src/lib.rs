//! The vocabulary of Tollgate's policies.
//!
//! A policy is a function from a configuration and facts to a decision. It has no host, no clock and no source of
//! randomness: [`UnixNanos`] and draws come in as values, decisions go out as values, and the shell around it does the
//! rest. That is what lets one policy be unit-tested, property-tested, fuzzed and run in Envoy without a difference.
//!
//! Every filter speaks these words, so that an operator learns them once: durations are `"250ms"`, percentages are
//! `12.5`, matchers are `{"prefix": ".."}`, networks are `"10.0.0.0/8"`, header values are `"%REQ(x-team)%"`.
//!
//! Three rules hold throughout:
//!
//! - **Parse, then trust.** Configuration is deserialised into types that cannot hold an invalid value. An error says
//!   which value was wrong, in backticks; where it stood is for the deserialiser to add.
//! - **Bytes, not text.** What clients send need not be UTF-8, and no byte of it may stop a decision.
//! - **Total functions.** Nothing panics, whatever the facts are; a panic would take a worker's VM along.

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
