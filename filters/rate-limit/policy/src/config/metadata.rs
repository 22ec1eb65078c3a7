//! Metadata of a request, or of its route, virtual host or cluster.

use tollgate_policy::Config;

/// Envoy's `MetaData` action.
#[derive(Clone, Debug, Default, Config)]
pub struct Metadata {
    /// Descriptor key of the entry.
    pub descriptor_key: String,
    /// Location of the value in the metadata.
    pub metadata_key: MetadataKey,
    /// Value to use if the request has none. Default: none.
    pub default_value: Option<String>,
    /// Source of the metadata. Default: `DYNAMIC`.
    #[config(default)]
    pub source: MetadataSource,
    /// Whether to leave the entry out of the key if the request has no value for it. Otherwise, the limit
    /// does not apply to such a request. Default: `false`.
    #[config(default)]
    pub skip_if_absent: bool,
}

/// Envoy's `MetadataKey`.
#[derive(Clone, Debug, Default, Config)]
pub struct MetadataKey {
    /// Namespace of the metadata: the name of a filter, such as `envoy.filters.http.jwt_authn`.
    pub key: String,
    /// Path to the value.
    pub path: Vec<PathSegment>,
}

/// Step of a path.
#[derive(Clone, Debug, Default, Config)]
pub struct PathSegment {
    /// Name of a member.
    pub key: String,
}

/// Source of metadata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
#[config(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MetadataSource {
    /// Dynamic metadata that earlier filters have set for the request.
    #[default]
    Dynamic,
    /// Metadata of the route.
    RouteEntry,
    /// Metadata of the virtual host.
    VirtualHost,
    /// Metadata of the cluster.
    ClusterEntry,
}
