//! One entry of a key, as it is configured.

use tollgate_policy::{Cidr, HeaderMatcher, PathMatcher, QueryMatcher};

/// Where an entry of a key comes from, all defaults filled in.
#[derive(Clone, Debug, Hash)]
pub struct Action {
    /// What the entry is called: `remote_address`, a header's `descriptor_key`. See [`Source::default_key`].
    pub descriptor_key: String,
    /// Where its value comes from.
    pub source: Source,
    /// What if there is no value.
    pub if_absent: IfAbsent,
}

/// What becomes of a key when an action has no value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum IfAbsent {
    /// There is no key: the limit does not count the request. As in Envoy.
    #[default]
    NoKey,
    /// The key goes without the entry: Envoy's `skip_if_absent`.
    Skip,
    /// The entry has this value: Envoy's `default_value`, which goes before `skip_if_absent`.
    Value(String),
}

/// Where a value comes from.
#[derive(Clone, Debug, Hash)]
pub enum Source {
    /// Always this value: `generic_key`.
    Constant(String),
    /// The client's address: `remote_address`.
    RemoteAddress,
    /// The network of so many bits that it is in: `masked_remote_address`.
    MaskedRemoteAddress {
        /// Of IPv4, 32 at most.
        v4_prefix_len: u8,
        /// Of IPv6, 128 at most.
        v6_prefix_len: u8,
    },
    /// A constant, if the client's address is in one of the networks: `remote_address_match`.
    RemoteAddressMatch {
        /// The networks.
        networks: Vec<Cidr>,
        /// If it is in none of them.
        invert: bool,
        /// The constant.
        value: String,
    },
    /// The first value of a header: `request_headers`. A header without a value has one that is empty.
    RequestHeader {
        /// In lower case; `:path`, `:method` and `:authority` too.
        name: String,
    },
    /// A constant, if all of these match, or if not all do: `header_value_match`.
    HeaderValueMatch {
        /// The headers.
        headers: Vec<HeaderMatcher>,
        /// Whether they have to.
        expect_match: bool,
        /// The constant.
        value: String,
    },
    /// The first value of a query parameter, decoded: `query_parameters`.
    QueryParameter {
        /// Its name, decoded.
        name: String,
    },
    /// A constant, if all of these match, or if not all do: `query_parameter_value_match`.
    QueryParameterValueMatch {
        /// The parameters.
        parameters: Vec<QueryMatcher>,
        /// Whether they have to.
        expect_match: bool,
        /// The constant.
        value: String,
    },
    /// The first cookie of the name, without quotes.
    Cookie {
        /// Its name. Case counts.
        name: String,
    },
    /// The path without the query, normalised.
    Path,
    /// One segment of such a path, if the template matches.
    PathSegment {
        /// Which paths have it.
        template: PathMatcher,
        /// Which one it is, from 0: `id` of `/users/{id}` is 1.
        index: usize,
    },
    /// The host in lower case, without port and without a dot at the end.
    Host,
    /// The method, if it is one that is registered; `other` for all others, which clients make up as many of as they like.
    Method,
    /// A claim of the token that `jwt-authn` verified; see [`Source::claim`]. Numbers, booleans, lists and objects are what
    /// JSON writes for them; `null` is no value.
    Claim {
        /// A claim of this whole name comes first.
        whole: Option<String>,
        /// Names from the outside to the inside: `["org", "team"]`.
        path: Vec<String>,
    },
    /// An attribute of the proxy that is not empty, by the path of [`crate::Environment::property`].
    Property {
        /// Its segments, joined by NUL. See [`property`].
        path: String,
    },
    /// `source_cluster`: the cluster that this proxy says it is of, which may be empty.
    SourceCluster,
}

impl Source {
    /// A claim by names with dots between, as in `jwt-authn`: one whose whole name is that comes first.
    pub fn claim(dotted: &str) -> Self {
        let whole = dotted.contains('.').then(|| dotted.to_owned());
        Self::Claim { whole, path: dotted.split('.').map(str::to_owned).collect() }
    }

    /// What an entry is called if the configuration does not say: Envoy's names. `None`: it has to.
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
                _ => return None,
            },
            Self::RequestHeader { .. }
            | Self::QueryParameter { .. }
            | Self::Cookie { .. }
            | Self::Claim { .. } => return None,
        })
    }

    /// Whether its value is one of the request's headers, or made of them.
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
    /// `destination_cluster`: where the route leads.
    pub const DESTINATION_CLUSTER: &str = "xds\0cluster_name";
    /// `source_cluster`: `node.cluster` of the bootstrap, `--service-cluster`.
    pub const SOURCE_CLUSTER: &str = "xds\0node\0cluster";
    /// `route`: its name.
    pub const ROUTE: &str = "xds\0route_name";
    /// `principal`: `<iss>/<sub>`, by `jwt-authn`.
    pub const PRINCIPAL: &str = "filter_state\0wasm.jwt_authn.principal";
    /// What `jwt-authn` verified, as JSON.
    pub const PAYLOAD: &str = "filter_state\0wasm.jwt_authn.payload";

    /// Whose metadata.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Metadata {
        /// What earlier filters left: `DYNAMIC`.
        Dynamic,
        /// The route's: `ROUTE_ENTRY`.
        Route,
        /// The virtual host's.
        VirtualHost,
        /// The cluster's: `CLUSTER_ENTRY`.
        Cluster,
    }

    /// `metadata`: of the filter `key`, then by `path`.
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

    /// `filter_state`.
    pub fn filter_state(key: &str) -> String {
        ["filter_state", key].join("\0")
    }
}

/// An entry of a descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is: `remote_address`, a header's `descriptor_key`.
    pub key: &'a str,
    /// Whose, as text.
    pub value: std::borrow::Cow<'a, str>,
}
