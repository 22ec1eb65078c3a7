//! Istio's `AuthorizationPolicy`, compiled with the semantics of Istio's control plane
//! (`pilot/pkg/security/authz`).
//!
//! Policies are evaluated in the order `AUDIT`, `DENY`, `ALLOW`, and those of the root namespace first. A
//! request is rejected if a `DENY` policy matches it, or if there are `ALLOW` policies and none of them does.
//!
//! Istio skips a rule that it cannot translate, even of a `DENY` policy, and accepts values that can never
//! match. Here such a rule is an error with its path.

mod attribute;
mod identity;
mod list;
mod pattern;
mod resource;
mod rule;
#[cfg(test)]
mod tests;
mod values;

pub use list::{Ignored, List};
pub use resource::{
    Action, ApiVersion, AuthorizationPolicy, Condition, From, Kind, Metadata, Operation, Rule, Source, Spec,
    To,
};

use crate::{Effect, Expr, Name, Stage};
use core::fmt;
use tollgate_policy::{Config, ConfigError, Places, StringMatcher};

/// Authorization by Istio's policies.
#[derive(Clone, Debug, Config)]
#[config(blank = Self {
    policies: Vec::new(),
    root_namespace: ROOT_NAMESPACE.into(),
    trust_domains: vec![CLUSTER_LOCAL.into()].into(),
})]
pub struct Istio {
    /// Policies, each as a complete resource. All of them apply to each request that this filter handles:
    /// list only those that select the workload of the proxy.
    pub policies: Vec<AuthorizationPolicy>,
    /// Namespace whose policies come first. Default: `istio-system`.
    #[config(default = ROOT_NAMESPACE.into())]
    pub root_namespace: String,
    /// Trust domain of the mesh and its aliases. A principal with one of them, or with `cluster.local`,
    /// matches peers of all of them. Default: `cluster.local`.
    #[config(default = vec![CLUSTER_LOCAL.into()].into())]
    pub trust_domains: List<String>,
}

const ROOT_NAMESPACE: &str = "istio-system";
const DEFAULT_NAMESPACE: &str = "default";
const CLUSTER_LOCAL: &str = "cluster.local";
const DRY_RUN: &str = "istio.io/dry-run";
/// Maximum number of rules of a policy, and of entries of `from`, as in Istio.
const MAX_ENTRIES: usize = 512;

/// Result of the compilation.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// Stages, in the order in which they are evaluated.
    pub stages: Vec<Stage>,
    /// Descriptions of likely mistakes, for the log: one line each, with the path.
    pub warnings: Vec<String>,
}

impl Compiled {
    #[inline(never)]
    fn warn(&mut self, path: fmt::Arguments<'_>, message: fmt::Arguments<'_>) {
        self.warnings.push(ConfigError::new(&path.to_string(), &message).to_string());
    }
}

/// Facts that the compilation of a policy needs.
struct Scope<'i> {
    /// Namespace of the policy.
    namespace: &'i str,
    trust_domains: &'i [String],
    /// Matches each text that is not empty.
    any_text: &'i StringMatcher,
}

impl Istio {
    /// Compiles the policies. The path of an error is relative to this configuration.
    pub fn stages(&self) -> Result<Compiled, ConfigError> {
        self.check()?;
        let mut compiled = Compiled::default();
        if self.policies.is_empty() {
            compiled.warn(format_args!("policies"), format_args!("no policy: each request is allowed"));
        }
        let any_text = StringMatcher::from_regex("(?s).+").map_err(|error| ConfigError::here(&error))?;
        let mut names = Places::default();
        let (mut audit, mut deny, mut allow) = <(Phase, Phase, Phase)>::default();
        for (index, policy) in self.policies.iter().enumerate() {
            let at = |error: ConfigError| error.in_element(index).in_member("policies");
            let (namespace, is_shadow) = policy.metadata.check().map_err(|e| at(e.in_member("metadata")))?;
            let name = format!("{namespace}/{}", policy.metadata.name);
            if let Some(first) = names.first(name.as_bytes()) {
                let message = format!("duplicate policy `{name}`, also at `policies[{first}]`");
                return Err(at(ConfigError::new("metadata.name", &message)));
            }
            names.add(name.as_bytes(), index);
            let scope = Scope { namespace, trust_domains: &self.trust_domains, any_text: &any_text };
            let rules = rule::rules(&policy.spec, &scope).map_err(|error| at(error.in_member("spec")))?;
            compiled.check(index, policy);
            let (phase, effect) = match policy.spec.action {
                Action::Allow => (&mut allow, Effect::Allow),
                Action::Deny => (&mut deny, Effect::Deny),
                Action::Audit | Action::Custom => (&mut audit, Effect::Log),
            };
            let is_root = namespace == self.root_namespace;
            phase.add(&name, rules, effect, is_root, is_shadow);
        }
        let phases = [(audit, Effect::Allow), (deny, Effect::Allow), (allow, Effect::Deny)];
        compiled.stages =
            phases.into_iter().filter_map(|(phase, otherwise)| phase.stage(otherwise)).collect();
        Ok(compiled)
    }

    fn check(&self) -> Result<(), ConfigError> {
        dns_name(&self.root_namespace, false).map_err(|error| error.in_member("root_namespace"))?;
        for (index, domain) in self.trust_domains.iter().enumerate() {
            let path = |error: ConfigError| error.in_element(index).in_member("trust_domains");
            identity::trust_domain(domain).map_err(path)?;
        }
        Ok(())
    }
}

impl Compiled {
    /// Warns about likely mistakes in a policy.
    fn check(&mut self, index: usize, policy: &AuthorizationPolicy) {
        let spec = &policy.spec;
        let ignored = [
            ("selector", &spec.selector),
            ("targetRef", &spec.target_ref),
            ("targetRefs", &spec.target_refs),
        ];
        for (field, ignored) in ignored {
            if ignored.is_given {
                self.warn(
                    format_args!("policies[{index}].spec.{field}"),
                    format_args!("ignored: the policy applies to each request that this filter handles"),
                );
            }
        }
        let only_from = spec.rules.iter().position(|rule| !rule.from.is_empty() && rule.to.is_empty());
        let only_to = spec.rules.iter().position(|rule| rule.from.is_empty() && !rule.to.is_empty());
        if let (Some(from), Some(to)) = (only_from, only_to) {
            let (first, second) = if from < to { ("from", "to") } else { ("to", "from") };
            let (one, other) = (from.min(to), from.max(to));
            self.warn(
                format_args!("policies[{index}].spec.rules"),
                format_args!(
                    "`rules[{one}]` narrows only `{first}` and `rules[{other}]` only `{second}`: each \
                     matches requests that the other does not; if both must match, remove the dash before \
                     `{second}`"
                ),
            );
        }
    }
}

impl Metadata {
    /// Checks the metadata, and returns the namespace and whether the policy is a shadow policy.
    fn check(&self) -> Result<(&str, bool), ConfigError> {
        dns_name(&self.name, true).map_err(|error| error.in_member("name"))?;
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let namespace = if namespace.is_empty() { DEFAULT_NAMESPACE } else { namespace };
        dns_name(namespace, false).map_err(|error| error.in_member("namespace"))?;
        let dry_run = self.annotations.as_ref().and_then(|annotations| annotations.get(DRY_RUN));
        let is_shadow = match dry_run.map(String::as_str) {
            None | Some("0" | "f" | "F" | "FALSE" | "false" | "False") => false,
            Some("1" | "t" | "T" | "TRUE" | "true" | "True") => true,
            Some(other) => {
                let error = ConfigError::here(&format_args!("`{other}`, expected `true` or `false`"));
                return Err(error.in_member(DRY_RUN).in_member("annotations"));
            }
        };
        Ok((namespace, is_shadow))
    }
}

/// Checks the name of a resource of Kubernetes: a DNS label, or several if `dots` are allowed.
fn dns_name(name: &str, dots: bool) -> Result<(), ConfigError> {
    let max = if dots { 253 } else { 63 };
    let is_label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(allowed)
    };
    let is_valid = if dots { name.split('.').all(is_label) } else { is_label(name) };
    if is_valid && name.len() <= max {
        return Ok(());
    }
    Err(ConfigError::here(&format_args!(
        "`{name}`, expected a name of at most {max} lower-case letters, digits and hyphens{}",
        if dots { ", with dots between" } else { "" }
    )))
}

/// The policies of one action.
#[derive(Default)]
struct Phase {
    /// Rules of the policies of the root namespace.
    root: Vec<crate::Rule>,
    /// Rules of all other policies.
    others: Vec<crate::Rule>,
    /// Whether there is a policy, and whether there is one that is enforced.
    is_given: bool,
    is_enforced: bool,
}

impl Phase {
    fn add(&mut self, policy: &str, rules: Vec<Expr>, effect: Effect, is_root: bool, is_shadow: bool) {
        self.is_given = true;
        self.is_enforced |= !is_shadow;
        let list = if is_root { &mut self.root } else { &mut self.others };
        // A policy without rules exists all the same: with one that allows, requests need a permission.
        let rules = if rules.is_empty() { vec![Expr::FALSE] } else { rules };
        for (index, when) in rules.into_iter().enumerate() {
            let name = Name { policy: policy.into(), rule: Some(index), role: None };
            list.push(crate::Rule { name, when, effect, shadow: is_shadow });
        }
    }

    /// Returns the stage, unless there is no policy.
    fn stage(self, otherwise: Effect) -> Option<Stage> {
        let Self { root: mut rules, others, is_given, is_enforced } = self;
        if !is_given {
            return None;
        }
        rules.extend(others);
        Some(Stage { rules, otherwise, shadow: !is_enforced })
    }
}
