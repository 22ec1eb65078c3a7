//! The resource `AuthorizationPolicy`, as users write it. Names and structure are Istio's.

use super::list::{Ignored, List};
use tollgate_policy::{Config, Named};

/// Istio's `AuthorizationPolicy` (`security.istio.io/v1`).
#[derive(Clone, Debug, Default, Config)]
#[config(rename_all = "camelCase")]
pub struct AuthorizationPolicy {
    /// Version of the API.
    pub api_version: ApiVersion,
    /// Kind of the resource.
    pub kind: Kind,
    /// Name, namespace and annotations.
    pub metadata: Metadata,
    /// Rules. Without it, the policy is an `ALLOW` policy without rules, which allows no request.
    #[config(default)]
    pub spec: Spec,
    /// Ignored.
    #[config(default)]
    pub status: Ignored,
}

/// Version of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum ApiVersion {
    /// Version 1.
    #[default]
    #[config(rename = "security.istio.io/v1")]
    V1,
    /// Version 1 beta 1, with the same meaning.
    #[config(rename = "security.istio.io/v1beta1")]
    V1Beta1,
}

/// Kind of the resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum Kind {
    /// Istio's authorization policy.
    #[default]
    #[config(rename = "AuthorizationPolicy")]
    AuthorizationPolicy,
}

/// Kubernetes' metadata of a resource.
#[derive(Clone, Debug, Default, Config)]
#[config(rename_all = "camelCase")]
pub struct Metadata {
    /// Name of the policy.
    pub name: String,
    /// Namespace of the policy. Default: `default`.
    #[config(default)]
    pub namespace: Option<String>,
    /// Annotations. With `istio.io/dry-run: "true"`, the policy only counts for the shadow verdict. All
    /// others are ignored.
    #[config(default)]
    pub annotations: Option<Named<String>>,
    /// Ignored.
    #[config(default)]
    pub labels: Ignored,
    /// Ignored.
    #[config(default)]
    pub generate_name: Ignored,
    /// Ignored.
    #[config(default)]
    pub self_link: Ignored,
    /// Ignored.
    #[config(default)]
    pub uid: Ignored,
    /// Ignored.
    #[config(default)]
    pub resource_version: Ignored,
    /// Ignored.
    #[config(default)]
    pub generation: Ignored,
    /// Ignored.
    #[config(default)]
    pub creation_timestamp: Ignored,
    /// Ignored.
    #[config(default)]
    pub deletion_timestamp: Ignored,
    /// Ignored.
    #[config(default)]
    pub deletion_grace_period_seconds: Ignored,
    /// Ignored.
    #[config(default)]
    pub owner_references: Ignored,
    /// Ignored.
    #[config(default)]
    pub finalizers: Ignored,
    /// Ignored.
    #[config(default)]
    pub managed_fields: Ignored,
}

/// Specification of a policy.
#[derive(Clone, Debug, Default, Config)]
#[config(default, rename_all = "camelCase", instead = [
    ("provider", "it belongs to the action `CUSTOM`, which is not supported; use Envoy's `ext_authz` filter"),
    ("from", "`from` belongs to `rules[]`"),
    ("to", "`to` belongs to `rules[]`"),
    ("when", "`when` belongs to `rules[]`"),
])]
pub struct Spec {
    /// Ignored: the policy applies to each request that this filter handles. Load the filter only in the
    /// proxies of the selected workloads.
    pub selector: Ignored,
    /// Ignored, like `selector`.
    pub target_ref: Ignored,
    /// Ignored, like `selector`.
    pub target_refs: Ignored,
    /// Rules. A request matches the policy if it matches one of them. Without rules, no request does. The
    /// rule `{}` matches each request.
    pub rules: Vec<Rule>,
    /// Effect on a request that matches. Default: `ALLOW`.
    pub action: Action,
}

/// Effect of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
#[config(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// Allows the request, unless a `DENY` policy matches it.
    #[default]
    Allow,
    /// Rejects the request.
    Deny,
    /// Records the request.
    Audit,
    /// Not supported.
    Custom,
}

/// Rule of a policy. A request must match one entry of `from`, one entry of `to`, and all entries of `when`.
#[derive(Clone, Debug, Default, Config)]
#[config(default, instead = [
    ("source", "`source` belongs to `from[]`"),
    ("operation", "`operation` belongs to `to[]`"),
])]
pub struct Rule {
    /// Sources of requests. Default: any source.
    pub from: List<From>,
    /// Operations. Default: any operation.
    pub to: List<To>,
    /// Further conditions.
    pub when: List<Condition>,
}

/// Entry of `from`.
#[derive(Clone, Debug, Default, Config)]
pub struct From {
    /// Source of requests.
    pub source: Source,
}

/// Source of requests. A request must match all fields, and one value of each.
#[derive(Clone, Debug, Default, Config)]
#[config(default, rename_all = "camelCase", instead = [
    ("hosts", OF_OPERATION), ("notHosts", OF_OPERATION), ("ports", OF_OPERATION), ("notPorts", OF_OPERATION),
    ("methods", OF_OPERATION), ("notMethods", OF_OPERATION),
    ("paths", OF_OPERATION), ("notPaths", OF_OPERATION),
])]
pub struct Source {
    /// Identities of peers from their certificates: `cluster.local/ns/shop/sa/cart`,
    /// `cluster.local/ns/shop/*`, `*/sa/cart`, or `*` for any authenticated peer.
    pub principals: List<String>,
    /// Identities of peers that do not match.
    pub not_principals: List<String>,
    /// Principals of verified tokens, `<issuer>/<subject>`: also with `*` at the start or the end, or `*` for
    /// any token.
    pub request_principals: List<String>,
    /// Principals of tokens that do not match.
    pub not_request_principals: List<String>,
    /// Namespaces of peers. Each `*` matches any text.
    pub namespaces: List<String>,
    /// Namespaces of peers that do not match.
    pub not_namespaces: List<String>,
    /// Service accounts of peers, `<namespace>/<service account>`. A name without a namespace means the
    /// namespace of the policy. Not allowed together with `principals` or `namespaces`.
    pub service_accounts: List<String>,
    /// Service accounts of peers that do not match.
    pub not_service_accounts: List<String>,
    /// Networks of the peer of the connection: addresses or networks such as `10.0.0.0/8`.
    pub ip_blocks: List<String>,
    /// Networks of peers that do not match.
    pub not_ip_blocks: List<String>,
    /// Networks of the client, whose address may come from `x-forwarded-for` or PROXY protocol.
    pub remote_ip_blocks: List<String>,
    /// Networks of clients that do not match.
    pub not_remote_ip_blocks: List<String>,
    /// Trust domains of peers. One of the trust domains of the mesh stands for all of them.
    pub trust_domains: List<String>,
    /// Trust domains of peers that do not match.
    pub not_trust_domains: List<String>,
}

const OF_OPERATION: &str = "this field belongs to `to[].operation`";
const OF_SOURCE: &str = "this field belongs to `from[].source`";

/// Entry of `to`.
#[derive(Clone, Debug, Default, Config)]
pub struct To {
    /// Operation.
    pub operation: Operation,
}

/// Operation. A request must match all fields, and one value of each.
#[derive(Clone, Debug, Default, Config)]
#[config(default, rename_all = "camelCase", instead = [
    ("principals", OF_SOURCE), ("notPrincipals", OF_SOURCE),
    ("requestPrincipals", OF_SOURCE), ("notRequestPrincipals", OF_SOURCE),
    ("namespaces", OF_SOURCE), ("notNamespaces", OF_SOURCE),
    ("serviceAccounts", OF_SOURCE), ("notServiceAccounts", OF_SOURCE),
    ("ipBlocks", OF_SOURCE), ("notIpBlocks", OF_SOURCE),
    ("remoteIpBlocks", OF_SOURCE), ("notRemoteIpBlocks", OF_SOURCE),
    ("trustDomains", OF_SOURCE), ("notTrustDomains", OF_SOURCE),
])]
pub struct Operation {
    /// Hosts, in any case: `shop.example`, `*.example`, `shop.*`. A host without a port matches any port.
    pub hosts: List<String>,
    /// Hosts that do not match.
    pub not_hosts: List<String>,
    /// Ports at which the proxy received the connection.
    pub ports: List<String>,
    /// Ports that do not match.
    pub not_ports: List<String>,
    /// Methods, in upper case.
    pub methods: List<String>,
    /// Methods that do not match.
    pub not_methods: List<String>,
    /// Paths without a query: `/a`, `/a/*`, `*.json`. In `/a/{*}/b/{**}`, `{*}` matches one segment and
    /// `{**}` any number of segments.
    pub paths: List<String>,
    /// Paths that do not match.
    pub not_paths: List<String>,
}

/// Entry of `when`. At least one of `values` and `notValues` is required.
#[derive(Clone, Debug, Default, Config)]
#[config(rename_all = "camelCase")]
pub struct Condition {
    /// Name of an attribute, such as `request.headers[x-team]` or `request.auth.claims[groups]`.
    pub key: String,
    /// Values, one of which must match.
    #[config(default)]
    pub values: List<String>,
    /// Values that must not match.
    #[config(default)]
    pub not_values: List<String>,
}
