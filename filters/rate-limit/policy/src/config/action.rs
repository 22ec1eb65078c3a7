//! Actions, which build the key of a limit: those of Envoy's `RateLimit.Action`, and some more.

use super::{
    AddressMatch, Constant, Empty, Header, HeaderValueMatch, MaskedAddress, Metadata, NamedValue, Path,
    QueryParameter, QueryValueMatch, ValueOptions,
};
use tollgate_policy::{Read, ReadError, Value, only_member};

/// An action, which produces one entry of a key. An object with exactly one field, as in Envoy's JSON.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum Action {
    /// Cluster of this Envoy (`--service-cluster`).
    SourceCluster(Empty),
    /// Cluster that the request is routed to.
    DestinationCluster(Empty),
    /// Value of a header, or of `:path`, `:method` or `:authority`.
    RequestHeaders(Header),
    /// Value of a query parameter.
    QueryParameters(QueryParameter),
    /// Address of the client.
    RemoteAddress(ValueOptions),
    /// Network of the client's address.
    MaskedRemoteAddress(MaskedAddress),
    /// Constant, if the client's address is in one of the networks.
    RemoteAddressMatch(AddressMatch),
    /// Constant.
    GenericKey(Constant),
    /// Constant, if headers match.
    HeaderValueMatch(HeaderValueMatch),
    /// Constant, if query parameters match.
    QueryParameterValueMatch(QueryValueMatch),
    /// Metadata of the request or of its route.
    Metadata(Metadata),
    /// Value of a cookie.
    Cookie(NamedValue),
    /// Path without the query, or one of its segments.
    Path(Path),
    /// Host, in lower case and without the port.
    Host(ValueOptions),
    /// Method. Unregistered methods count as `other`.
    Method(ValueOptions),
    /// Name of the route.
    Route(ValueOptions),
    /// Principal of the token that `jwt-authn` verified: `<iss>/<sub>`.
    Principal(ValueOptions),
    /// Claim of that token, such as `sub` or `org.team`.
    Claim(NamedValue),
    /// Filter state of an earlier filter.
    FilterState(NamedValue),
}

const NAMES: &[&str] = &[
    "source_cluster",
    "destination_cluster",
    "request_headers",
    "query_parameters",
    "remote_address",
    "masked_remote_address",
    "remote_address_match",
    "generic_key",
    "header_value_match",
    "query_parameter_value_match",
    "metadata",
    "cookie",
    "path",
    "host",
    "method",
    "route",
    "principal",
    "claim",
    "filter_state",
];
const EXPECTED: &str = "an object with one action, such as `remote_address`, `request_headers` or `path`";

impl Read for Action {
    fn blank() -> Self {
        Self::SourceCluster(Empty {})
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        for (name, instead) in INSTEAD {
            if value.get(name).is_some() {
                return Err(ReadError::new(instead).in_member(name));
            }
        }
        let (index, name, content) = only_member(value, NAMES, EXPECTED)?;
        *self = match index {
            0 => Self::SourceCluster(Empty {}),
            1 => Self::DestinationCluster(Empty {}),
            2 => Self::RequestHeaders(Read::blank()),
            3 => Self::QueryParameters(Read::blank()),
            4 => Self::RemoteAddress(Read::blank()),
            5 => Self::MaskedRemoteAddress(Read::blank()),
            6 => Self::RemoteAddressMatch(Read::blank()),
            7 => Self::GenericKey(Read::blank()),
            8 => Self::HeaderValueMatch(Read::blank()),
            9 => Self::QueryParameterValueMatch(Read::blank()),
            10 => Self::Metadata(Read::blank()),
            11 => Self::Cookie(Read::blank()),
            12 => Self::Path(Read::blank()),
            13 => Self::Host(Read::blank()),
            14 => Self::Method(Read::blank()),
            15 => Self::Route(Read::blank()),
            16 => Self::Principal(Read::blank()),
            17 => Self::Claim(Read::blank()),
            _ => Self::FilterState(Read::blank()),
        };
        let blank: &mut dyn Read = match self {
            Self::SourceCluster(empty) | Self::DestinationCluster(empty) => empty,
            Self::RequestHeaders(header) => header,
            Self::QueryParameters(parameter) => parameter,
            Self::MaskedRemoteAddress(mask) => mask,
            Self::RemoteAddressMatch(networks) => networks,
            Self::GenericKey(constant) => constant,
            Self::HeaderValueMatch(matcher) => matcher,
            Self::QueryParameterValueMatch(matcher) => matcher,
            Self::Metadata(metadata) => metadata,
            Self::Path(path) => path,
            Self::RemoteAddress(simple)
            | Self::Host(simple)
            | Self::Method(simple)
            | Self::Route(simple)
            | Self::Principal(simple) => simple,
            Self::Cookie(named) | Self::Claim(named) | Self::FilterState(named) => named,
        };
        blank.fill(content).map_err(|error| error.in_member(name))
    }
}

const INSTEAD: &[(&str, &str)] = &[
    ("dynamic_metadata", "use `metadata` with `source: DYNAMIC`"),
    (
        "extension",
        "expressions are not supported; use `claim` for a claim, or `filter_state` for a value of an earlier filter",
    ),
];
