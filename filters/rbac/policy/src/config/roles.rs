//! Roles, bindings and rules.

use super::AttributeMatch;
use tollgate_policy::RequestMatch;

/// A role.
#[derive(Clone, Debug, Default, tollgate_policy::Config)]
#[config(default)]
pub struct Role {
    /// Roles whose permissions this role has as well.
    pub inherits: Vec<String>,
    /// Permissions, one of which must match a request.
    pub permissions: Vec<Permission>,
}

/// A permission: what a role may do. All given fields must match; a permission without fields matches every
/// request.
#[derive(Clone, Debug, Default, tollgate_policy::Config)]
#[config(default)]
pub struct Permission {
    /// Hosts, paths, methods, headers and query.
    #[config(flatten)]
    pub operation: RequestMatch,
    /// Conditions on attributes, all of which must match.
    pub attributes: Vec<AttributeMatch>,
    /// Condition in CEL.
    pub condition: Option<String>,
}

/// A binding of roles to subjects.
#[derive(Clone, Debug, tollgate_policy::Config)]
pub struct BindingConfig {
    /// Names of the roles.
    pub roles: Vec<String>,
    /// Subjects, one of which must match.
    pub subjects: Vec<AttributeMatch>,
    /// Tenant to which the binding is restricted. Needs `domain`. Default: all tenants.
    pub domain: Option<String>,
}

/// A rule. All given fields must match; a rule without conditions matches every request.
#[derive(Clone, Debug, tollgate_policy::Config)]
pub struct RuleConfig {
    /// Name, for explanations and statistics.
    pub name: String,
    /// Action on a request that matches.
    pub action: Action,
    /// Condition on the request.
    #[config(default, rename = "match")]
    pub operation: RequestMatch,
    /// Roles, one of which the subject must have.
    #[config(default)]
    pub roles: Vec<String>,
    /// Conditions on attributes, all of which must match.
    #[config(default)]
    pub attributes: Vec<AttributeMatch>,
    /// Condition in CEL.
    pub condition: Option<String>,
}

/// Action on a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, tollgate_policy::Config)]
pub enum Action {
    /// Reject it.
    #[default]
    Deny,
    /// Allow it.
    Allow,
}
