//! Metadata of a request, or of where it goes.

use tollgate_policy::{read_names, read_object};

/// Envoy's `MetaData` action.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Metadata {
    /// What it is called in the key.
    pub descriptor_key: String,
    /// Where it is.
    pub metadata_key: MetadataKey,
    /// Counts in its place if there is none.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub default_value: Option<String>,
    /// Whose metadata. Default: `DYNAMIC`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub source: MetadataSource,
    /// Whether the key goes without it if there is none, in place of not being counted. Default: `false`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub skip_if_absent: bool,
}

/// Envoy's `MetadataKey`.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct MetadataKey {
    /// The filter that it is of, such as `envoy.filters.http.jwt_authn`.
    pub key: String,
    /// The way to it.
    pub path: Vec<PathSegment>,
}

/// A step of the way.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct PathSegment {
    /// The name of a member.
    pub key: String,
}

/// Whose metadata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "SCREAMING_SNAKE_CASE"))]
pub enum MetadataSource {
    /// What earlier filters have set for the request.
    #[default]
    Dynamic,
    /// The route's.
    RouteEntry,
    /// The virtual host's.
    VirtualHost,
    /// The cluster's.
    ClusterEntry,
}

read_object!(
    Metadata = Self::default();
    descriptor_key (required), metadata_key (required), default_value, source, skip_if_absent
);
read_object!(MetadataKey = Self::default(); key (required), path (required));
read_object!(PathSegment = Self::default(); key (required));
read_names!(MetadataSource {
    "DYNAMIC" => Dynamic,
    "ROUTE_ENTRY" => RouteEntry,
    "VIRTUAL_HOST" => VirtualHost,
    "CLUSTER_ENTRY" => ClusterEntry,
});
