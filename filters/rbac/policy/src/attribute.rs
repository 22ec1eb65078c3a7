//! Attributes of a request.

use core::fmt;
use core::str::FromStr;
use tollgate_policy::HeaderName;

/// An attribute of a request: one thing that a test compares. An attribute has no value, one, or several.
///
/// Names follow Istio's `AuthorizationPolicy` where it has the attribute, and Envoy's attributes otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, tollgate_policy::Config)]
#[config(
    text(expected = "the name of an attribute, such as `request.headers[x-team]`"),
    blank = Self::Method
)]
pub enum Attribute {
    /// `request.method`.
    Method,
    /// `request.path`: the path without its query. Has several values if it can be read in several ways.
    Path,
    /// `request.path_and_query`: the path with its query. Has several values if the path can be read in
    /// several ways.
    PathAndQuery,
    /// `request.path_segments[N]`: a segment of the path, percent-decoded, counted from 0.
    PathSegment(usize),
    /// `request.host`: the host in lower case, without and with its port.
    Host,
    /// `request.scheme`.
    Scheme,
    /// `request.query[NAME]`: every value of a query parameter, decoded.
    QueryParameter(Box<str>),
    /// `request.headers[NAME]`: every line of a header, and every element of a header that Envoy joins.
    Header(HeaderName),
    /// `request.grpc.service`, such as `shop.v1.Orders`. Only of gRPC requests.
    GrpcService,
    /// `request.grpc.method`, such as `Get`. Only of gRPC requests.
    GrpcMethod,
    /// `source.ip`: the address of the peer of the connection.
    PeerAddress,
    /// `remote.ip`: the address of the client, which may come from `x-forwarded-for` or PROXY protocol.
    RemoteAddress,
    /// `source.port`: the port of the client, at the address `remote.ip`.
    SourcePort,
    /// `destination.ip`.
    DestinationAddress,
    /// `destination.port`.
    DestinationPort,
    /// `connection.sni`: the server name that the client requested.
    ServerName,
    /// `connection.mtls`: `true` or `false`.
    MutualTls,
    /// `connection.tls_version`, such as `TLSv1.3`. Absent without TLS.
    TlsVersion,
    /// `source.uri_san`: the URI of the certificate of the peer.
    UriSan,
    /// `source.dns_san`: the DNS name of the certificate of the peer.
    DnsSan,
    /// `source.subject`: the subject of the certificate of the peer.
    Subject,
    /// `source.principal`: the SPIFFE id of the peer without `spiffe://`.
    Principal,
    /// `source.trustDomain`: the trust domain of the SPIFFE id.
    TrustDomain,
    /// `source.namespace`: the namespace in the SPIFFE id.
    Namespace,
    /// `source.serviceAccount`: `<namespace>/<service account>` of the SPIFFE id.
    ServiceAccount,
    /// `request.auth.principal`: `<iss>/<sub>` of the verified token.
    RequestPrincipal,
    /// `request.auth.audiences`: each `aud` of the verified token.
    Audience,
    /// `request.auth.presenter`: `azp` of the verified token.
    Presenter,
    /// `request.auth.claims[A][B]`: a claim of the verified token. Each element of a list is a value, and so
    /// is each word of `scope`, `scp` and `permission`.
    Claim(Path),
    /// `metadata[NAMESPACE][KEY]`: dynamic metadata of an earlier filter.
    Metadata(Box<str>, Path),
    /// `route_metadata[NAMESPACE][KEY]`: metadata of the route.
    RouteMetadata(Box<str>, Path),
    /// `filter_state[NAME]`: a filter state of an earlier filter.
    FilterState(Box<str>),
    /// `domain`: the tenant, as the configuration defines it.
    Domain,
    /// `roles`: the roles that are bound to the subject, with those they inherit.
    Role,
}

/// Names of nested members.
pub type Path = Box<[Box<str>]>;

impl Attribute {
    /// Returns whether a client can add values: then an added value must not change the result in favour of
    /// the client.
    pub fn is_repeatable(&self) -> bool {
        matches!(
            self,
            Self::Path
                | Self::PathAndQuery
                | Self::GrpcService
                | Self::GrpcMethod
                | Self::PathSegment(_)
                | Self::Header(_)
                | Self::QueryParameter(_)
        )
    }
}

/// Attributes without arguments, by name.
const PLAIN: [(&str, Attribute); 25] = [
    ("request.method", Attribute::Method),
    ("request.path", Attribute::Path),
    ("request.path_and_query", Attribute::PathAndQuery),
    ("request.host", Attribute::Host),
    ("request.scheme", Attribute::Scheme),
    ("request.grpc.service", Attribute::GrpcService),
    ("request.grpc.method", Attribute::GrpcMethod),
    ("source.ip", Attribute::PeerAddress),
    ("remote.ip", Attribute::RemoteAddress),
    ("source.port", Attribute::SourcePort),
    ("destination.ip", Attribute::DestinationAddress),
    ("destination.port", Attribute::DestinationPort),
    ("connection.sni", Attribute::ServerName),
    ("connection.mtls", Attribute::MutualTls),
    ("connection.tls_version", Attribute::TlsVersion),
    ("source.uri_san", Attribute::UriSan),
    ("source.dns_san", Attribute::DnsSan),
    ("source.subject", Attribute::Subject),
    ("source.principal", Attribute::Principal),
    ("source.trustDomain", Attribute::TrustDomain),
    ("source.namespace", Attribute::Namespace),
    ("source.serviceAccount", Attribute::ServiceAccount),
    ("request.auth.principal", Attribute::RequestPrincipal),
    ("request.auth.audiences", Attribute::Audience),
    ("request.auth.presenter", Attribute::Presenter),
];

impl FromStr for Attribute {
    type Err = InvalidAttribute;

    fn from_str(text: &str) -> Result<Self, InvalidAttribute> {
        let invalid = || InvalidAttribute(text.into());
        if let Some((_, attribute)) = PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(attribute.clone());
        }
        match text {
            "domain" => return Ok(Self::Domain),
            "roles" => return Ok(Self::Role),
            _ => {}
        }
        let (name, rest) = text.split_at(text.find('[').ok_or_else(invalid)?);
        let path = members(rest).ok_or_else(invalid)?;
        match (name, &*path) {
            ("request.headers", [name]) => name.parse().map(Self::Header).map_err(|_| invalid()),
            ("request.query", [name]) => Ok(Self::QueryParameter(name.clone())),
            ("request.path_segments", [index]) => {
                let digits = index.bytes().all(|byte| byte.is_ascii_digit());
                index
                    .parse()
                    .ok()
                    .filter(|index| digits && *index < 64)
                    .map(Self::PathSegment)
                    .ok_or_else(invalid)
            }
            ("request.auth.claims", _) => Ok(Self::Claim(path)),
            ("filter_state", [name]) => Ok(Self::FilterState(name.clone())),
            ("metadata", [namespace, path @ ..]) if !path.is_empty() => {
                Ok(Self::Metadata(namespace.clone(), path.into()))
            }
            ("route_metadata", [namespace, path @ ..]) if !path.is_empty() => {
                Ok(Self::RouteMetadata(namespace.clone(), path.into()))
            }
            _ => Err(invalid()),
        }
    }
}

/// Parses `[a][b]`.
fn members(text: &str) -> Option<Path> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let names = inner.split("][").map(|name| {
        let valid = !name.is_empty() && !name.contains(['[', ']', '\0']);
        valid.then(|| name.into())
    });
    names.collect()
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nested =
            |f: &mut fmt::Formatter<'_>, path: &[Box<str>]| path.iter().try_for_each(|n| write!(f, "[{n}]"));
        match self {
            Self::PathSegment(index) => write!(f, "request.path_segments[{index}]"),
            Self::QueryParameter(name) => write!(f, "request.query[{name}]"),
            Self::Header(name) => write!(f, "request.headers[{}]", name.as_str()),
            Self::Claim(path) => f.write_str("request.auth.claims").and_then(|()| nested(f, path)),
            Self::Metadata(namespace, path) => {
                write!(f, "metadata[{namespace}]").and_then(|()| nested(f, path))
            }
            Self::RouteMetadata(namespace, path) => {
                write!(f, "route_metadata[{namespace}]").and_then(|()| nested(f, path))
            }
            Self::FilterState(name) => write!(f, "filter_state[{name}]"),
            Self::Domain => f.write_str("domain"),
            Self::Role => f.write_str("roles"),
            plain => {
                let name = PLAIN.iter().find(|(_, attribute)| attribute == plain);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

/// A text that is not the name of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAttribute(Box<str>);

impl fmt::Display for InvalidAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown attribute `{}`, expected one of ", self.0.escape_debug())?;
        for (name, _) in &PLAIN {
            write!(f, "`{name}`, ")?;
        }
        f.write_str(
            "`request.headers[NAME]`, `request.query[NAME]`, `request.path_segments[N]`, \
             `request.auth.claims[NAME]`, `metadata[NAMESPACE][KEY]`, `route_metadata[NAMESPACE][KEY]`, \
             `filter_state[NAME]`, `domain`, `roles`",
        )
    }
}

impl std::error::Error for InvalidAttribute {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_and_written_alike() {
        let others = [
            "domain",
            "roles",
            "request.headers[x-a]",
            "request.query[q]",
            "request.path_segments[0]",
            "request.auth.claims[realm_access][roles]",
            "metadata[envoy.filters.http.jwt_authn][payload][sub]",
            "route_metadata[a][b]",
            "filter_state[wasm.a]",
        ];
        for name in PLAIN.iter().map(|(name, _)| *name).chain(others) {
            assert_eq!(name.parse::<Attribute>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn rejects_unknown_names() {
        for name in [
            "",
            "request",
            "request.headers",
            "request.headers[]",
            "request.headers[a b]",
            "request.headers[a][b]",
            "request.path_segments[+1]",
            "request.path_segments[64]",
            "request.auth.claims",
            "request.auth.claims[a",
            "request.auth.claims[[a]]",
            "metadata[a]",
            "source.ip[0]",
        ] {
            assert!(name.parse::<Attribute>().is_err(), "{name}");
        }
    }
}
