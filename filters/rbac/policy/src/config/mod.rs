//! The configuration as the operator writes it.

mod audit;
mod condition;
mod options;
mod response;
mod roles;

pub use audit::{Audit, AuditOn};
pub use condition::AttributeMatch;
pub use options::{FilterState, PolicyOptions};
pub use response::{HeaderToAdd, Response};
pub use roles::{Action, BindingConfig, Permission, Role, RuleConfig};

use crate::istio::Istio;
use crate::{Attribute, ClaimsSource, Envoy};
use tollgate_policy::{Enforcement, Named, PathNormalization};

/// Configuration of the rbac filter. It needs at least one of `istio`, `envoy`, `roles` and `rules`. With
/// several, a request must be allowed by each.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(default, instead = [
    ("policies", "use `envoy.rules.policies` for policies of Envoy, or `istio.policies` for policies of Istio"),
    ("action", "use `envoy.rules.action`, or the `action` of a rule"),
    ("shadow_rules", "use `envoy.shadow_rules`"),
    ("matcher", "use `envoy.matcher`"),
    ("spec", "use `istio.policies`, with the whole resource as an element"),
])]
pub struct Config {
    /// Policies of Istio: `AuthorizationPolicy` resources.
    pub istio: Option<Istio>,
    /// Policies of Envoy's RBAC filter.
    pub envoy: Option<Envoy>,
    /// Roles, by name.
    pub roles: Named<Role>,
    /// Bindings of roles to subjects.
    pub bindings: Vec<BindingConfig>,
    /// Attributes whose values are names of roles, such as `request.auth.claims[roles]`. A value that is not
    /// the name of a role is ignored.
    pub role_attributes: Vec<Attribute>,
    /// Attribute that names the tenant of a request, for bindings with `domain`.
    pub domain: Option<Attribute>,
    /// Rules, in order. The first rule that matches decides. If none matches, the permissions of the roles
    /// decide.
    pub rules: Vec<RuleConfig>,
    /// Action for a request that no rule and no permission matches. Default: `deny`.
    pub default_action: Action,
    /// Options of policies, by the name of the policy, of the rule or of the role.
    pub policy_options: Named<PolicyOptions>,
    /// Sources of the claims of the verified token, tried in order. Default: the filter state of Tollgate's
    /// jwt-authn, the metadata of Envoy's `jwt_authn` with the key `payload`, the metadata of Istio's filter
    /// before 1.24.
    pub claims: Vec<ClaimsSource>,
    /// Name of a filter state with the address of the peer of the connection (`source.ip`), which an earlier
    /// filter sets. Default: none, and `source.ip` is unknown if Envoy takes the address of the client from
    /// `x-forwarded-for`.
    pub peer_address_filter_state: Option<String>,
    /// Readings of a path that upstreams can read in several ways. By default, no spelling of a path turns a
    /// denial off or a permission on.
    pub path_normalization: PathNormalization,
    /// Whether the path is sent upstream in normal form. Envoy then selects the route again. Default:
    /// `false`.
    pub forward_normalized_path: bool,
    /// Response to a rejected request.
    pub response: Response,
    /// Audit log.
    pub audit: Audit,
    /// Filter state for later filters and for access logs.
    pub filter_state: FilterState,
    /// Maximum number of policies with statistics of their own. Further policies are counted as `other`.
    /// Default: 100.
    #[config(range = 0..=10_000)]
    pub max_policy_statistics: u32,
    /// Shadow mode of all policies, failures and statistics. The filter cannot decide a request when it
    /// cannot read an attribute.
    #[config(flatten)]
    pub enforcement: Enforcement,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            istio: None,
            envoy: None,
            roles: Named::default(),
            bindings: Vec::new(),
            role_attributes: Vec::new(),
            domain: None,
            rules: Vec::new(),
            default_action: Action::default(),
            policy_options: Named::default(),
            claims: ClaimsSource::defaults(),
            peer_address_filter_state: None,
            path_normalization: PathNormalization::default(),
            forward_normalized_path: false,
            response: Response::default(),
            audit: Audit::default(),
            filter_state: FilterState::default(),
            max_policy_statistics: 100,
            enforcement: Enforcement::default(),
        }
    }
}
