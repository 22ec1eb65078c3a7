//! Actions, which build the key of a limit: those of Envoy's `RateLimit.Action`, and some more.

use super::{
    AddressMatch, Constant, Empty, Header, HeaderValueMatch, MaskedAddress, Metadata, NamedValue, Path,
    QueryParameter, QueryValueMatch, ValueOptions,
};
use tollgate_policy::Config;

/// An action, which produces one entry of a key. An object with exactly one field, as in Envoy's JSON.
#[derive(Clone, Debug, Config)]
#[config(
    expected = "an object with one action, such as `remote_address`, `request_headers` or `path`",
    instead = INSTEAD
)]
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
    /// Connection of the client, by its number in this Envoy.
    Connection(ValueOptions),
    /// Claim of that token, such as `sub` or `org.team`.
    Claim(NamedValue),
    /// Filter state of an earlier filter.
    FilterState(NamedValue),
}

const INSTEAD: [(&str, &str); 2] = [
    ("dynamic_metadata", "use `metadata` with `source: DYNAMIC`"),
    (
        "extension",
        "expressions are not supported; use `claim` for a claim, or `filter_state` for a value of an earlier filter",
    ),
];
