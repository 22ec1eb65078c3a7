//! Actions of a key, resolved from the configuration.

use tollgate_policy::{Cidr, HeaderMatcher, PathMatcher, QueryMatcher};

/// An action, which produces one entry of a key. All defaults are filled in.
#[derive(Clone, Debug, Hash)]
pub struct Action {
    /// Descriptor key of the entry, such as `remote_address`. See [`Source::default_key`].
    pub descriptor_key: String,
    /// Source of its value.
    pub source: Source,
    /// Handling of an absent value.
    pub if_absent: IfAbsent,
}

/// Handling of an absent value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum IfAbsent {
    /// Produces no key, so that the limit does not apply to the request, as in Envoy.
    #[default]
    NoKey,
    /// Leaves the entry out of the key: Envoy's `skip_if_absent`.
    Skip,
    /// Uses this value: Envoy's `default_value`, which takes precedence over `skip_if_absent`.
    Value(String),
}

/// Source of a value.
#[derive(Clone, Debug, Hash)]
pub enum Source {
    /// Constant: `generic_key`.
    Constant(String),
    /// Address of the client: `remote_address`.
    RemoteAddress,
    /// Network of the client's address: `masked_remote_address`.
    MaskedRemoteAddress {
        /// Number of bits of an IPv4 address, at most 32.
        v4_prefix_len: u8,
        /// Number of bits of an IPv6 address, at most 128.
        v6_prefix_len: u8,
    },
    /// Constant, if the client's address is in one of the networks: `remote_address_match`.
    RemoteAddressMatch {
        /// Networks.
        networks: Vec<Cidr>,
        /// Whether the address must be in none of the networks instead.
        invert: bool,
        /// Value of the entry.
        value: String,
    },
    /// First value of a header: `request_headers`. A header without a value has an empty one.
    RequestHeader {
        /// Name of the header in lower case, or one of `:path`, `:method` and `:authority`.
        name: String,
    },
    /// Constant, if all headers match, or if not all do: `header_value_match`.
    HeaderValueMatch {
        /// Headers to match.
        headers: Vec<HeaderMatcher>,
        /// Whether all of them must match.
        expect_match: bool,
        /// Value of the entry.
        value: String,
    },
    /// First value of a query parameter, decoded: `query_parameters`.
    QueryParameter {
        /// Name of the parameter, decoded.
        name: String,
    },
    /// Constant, if all parameters match, or if not all do: `query_parameter_value_match`.
    QueryParameterValueMatch {
        /// Parameters to match.
        parameters: Vec<QueryMatcher>,
        /// Whether all of them must match.
        expect_match: bool,
        /// Value of the entry.
        value: String,
    },
    /// First cookie of a name, without quotes.
    Cookie {
        /// Name of the cookie, case-sensitive.
        name: String,
    },
    /// Path without the query, in its most resolved reading: see
    /// [`PathNormalization::resolved_of`](tollgate_policy::PathNormalization::resolved_of).
    Path,
    /// Segment of such a path, if the template matches.
    PathSegment {
        /// Template of the paths that have the segment.
        template: PathMatcher,
        /// Index of the segment, from 0: `id` of `/users/{id}` is 1.
        index: usize,
    },
    /// Host in lower case, without the port and without a trailing dot.
    Host,
    /// Method, if it is registered; `other` for all others, because clients can invent any number of them.
    Method,
    /// Claim of the token that `jwt-authn` verified; see [`Source::claim`]. Numbers, booleans, lists and
    /// objects count as their JSON. `null` counts as absent.
    Claim {
        /// Name of a claim that takes precedence over `path`.
        whole: Option<String>,
        /// Names of nested claims, from the outside to the inside: `["org", "team"]`.
        path: Vec<String>,
    },
    /// Attribute of the proxy, if it is not empty, by a path of
    /// [`Host::property`](tollgate_counting::Host::property).
    Property {
        /// Segments of the path, joined by NUL. See [`property`].
        path: String,
    },
    /// Cluster of this proxy, which may be empty: `source_cluster`.
    SourceCluster,
}

impl Source {
    /// Returns the source for a claim whose names are joined by dots, as in `jwt-authn`. A claim with the
    /// whole text as its name takes precedence.
    pub fn claim(dotted: &str) -> Self {
        let whole = dotted.contains('.').then(|| dotted.to_owned());
        Self::Claim { whole, path: dotted.split('.').map(str::to_owned).collect() }
    }

    /// Returns the default descriptor key, as in Envoy. `None` if the configuration must set one.
    pub fn default_key(&self) -> Option<&'static str> {
        Some(match self {
            Self::Constant(_) => "generic_key",
            Self::RemoteAddress => "remote_address",
            Self::MaskedRemoteAddress { .. } => "masked_remote_address",
            Self::RemoteAddressMatch { .. } => "remote_address_match",
            Self::HeaderValueMatch { .. } => "header_match",
            Self::QueryParameterValueMatch { .. } => "query_match",
            Self::Path | Self::PathSegment { .. } => "path",
            Self::Host => "host",
            Self::Method => "method",
            Self::SourceCluster => "source_cluster",
            Self::Property { path } => match path.as_str() {
                property::DESTINATION_CLUSTER => "destination_cluster",
                property::ROUTE => "route",
                property::PRINCIPAL => "principal",
                property::CONNECTION => "connection",
                _ => return None,
            },
            Self::RequestHeader { .. }
            | Self::QueryParameter { .. }
            | Self::Cookie { .. }
            | Self::Claim { .. } => return None,
        })
    }

    /// Returns whether the value depends on the request headers.
    pub fn reads_headers(&self) -> bool {
        match self {
            Self::RequestHeader { .. }
            | Self::HeaderValueMatch { .. }
            | Self::QueryParameter { .. }
            | Self::QueryParameterValueMatch { .. }
            | Self::Cookie { .. }
            | Self::Path
            | Self::PathSegment { .. }
            | Self::Host
            | Self::Method => true,
            Self::Constant(_)
            | Self::RemoteAddress
            | Self::MaskedRemoteAddress { .. }
            | Self::RemoteAddressMatch { .. }
            | Self::Claim { .. }
            | Self::Property { .. }
            | Self::SourceCluster => false,
        }
    }
}

/// Paths of attributes.
pub mod property {
    /// `destination_cluster`: cluster that the route selects.
    pub const DESTINATION_CLUSTER: &str = "xds\0cluster_name";
    /// `source_cluster`: `node.cluster` of the bootstrap, `--service-cluster`.
    pub const SOURCE_CLUSTER: &str = "xds\0node\0cluster";
    /// `route`: name of the route.
    pub const ROUTE: &str = "xds\0route_name";
    /// `principal`: `<iss>/<sub>`, by `jwt-authn`.
    pub const PRINCIPAL: &str = "filter_state\0wasm.jwt_authn.principal";
    /// `connection`: number of the downstream connection.
    pub const CONNECTION: &str = "connection\0id";
    /// Payload of the token that `jwt-authn` verified, as JSON.
    pub const PAYLOAD: &str = "filter_state\0wasm.jwt_authn.payload";

    /// Source of metadata.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Metadata {
        /// Dynamic metadata of earlier filters: `DYNAMIC`.
        Dynamic,
        /// Metadata of the route: `ROUTE_ENTRY`.
        Route,
        /// Metadata of the virtual host: `VIRTUAL_HOST`.
        VirtualHost,
        /// Metadata of the cluster: `CLUSTER_ENTRY`.
        Cluster,
    }

    /// Returns the path of a metadata value: in the namespace `key`, at `path`.
    pub fn metadata<'p>(of: Metadata, key: &str, path: impl IntoIterator<Item = &'p str>) -> String {
        let of = match of {
            Metadata::Dynamic => "metadata",
            Metadata::Route => "xds\0route_metadata",
            Metadata::VirtualHost => "xds\0virtual_host_metadata",
            Metadata::Cluster => "xds\0cluster_metadata",
        };
        let mut text = [of, "filter_metadata", key].join("\0");
        for segment in path {
            text.push('\0');
            text.push_str(segment);
        }
        text
    }

    /// Returns the path of a filter state.
    pub fn filter_state(key: &str) -> String {
        ["filter_state", key].join("\0")
    }
}
