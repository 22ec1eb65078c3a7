//! The vocabulary of the policies of Tollgate's filters: matchers, rules, templates, networks,
//! percentages, fetched documents and replays, besides the types of [`tollgate_types`].
//!
//! All filters use the same notation, so that an operator learns it once: durations are `"250ms"`,
//! percentages are `12.5`, matchers are `{"prefix": ".."}`, networks are `"10.0.0.0/8"`, header values are
//! `"%REQ(x-team)%"`.

// The derived code of `#[derive(Config)]` names this crate `::tollgate`.
extern crate self as tollgate;

mod body_format;
mod cidr;
mod elements;
mod enforcement;
pub mod environment;
pub mod fetch;
mod field_matcher;
mod host_matcher;
mod http_uri;
mod many;
mod method;
mod path_matcher;
mod paths;
mod percent;
mod places;
pub mod replay;
mod request_match;
mod rules;
mod status;
mod statuses;
mod string_matcher;
mod template;

pub use body_format::BodyFormat;
pub use cidr::{Cidr, InvalidCidr};
pub use elements::elements;
pub use enforcement::{AllowedBy, Enforcement, InvalidStatPrefix, OnError, StatPrefix};
pub use field_matcher::{FieldTest, HeaderMatcher, QueryMatcher};
pub use host_matcher::HostMatcher;
pub use http_uri::{HttpUri, Url};
pub use many::Many;
pub use method::{InvalidMethod, Method};
pub use path_matcher::{InvalidPathMatcher, PathMatcher};
pub use paths::{InvalidEscapes, InvalidPath, Notation, PathNormalization, Readings};
pub use percent::{InvalidPercent, Percent};
pub use places::Places;
pub use request_match::RequestMatch;
pub use rules::{Conditional, Index, Rules, Selected, Wanted};
pub use status::{Status, grpc_status_of};
pub use statuses::{GrpcStatus, StatusRange};
pub use string_matcher::{InvalidMatcher, StringMatcher};
pub use template::{InvalidTemplate, Reference, Source, Template, TemplateProblem, Variable};
#[doc(no_inline)]
pub use tollgate_types::*;
