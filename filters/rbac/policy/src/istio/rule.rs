//! Compilation of the rules of a policy.

use super::attribute::attribute;
use super::{Action, Condition, List, MAX_ENTRIES, Operation, Rule, Scope, Source, Spec, values};
use crate::{Attribute, Expr};
use tollgate_policy::ConfigError;

/// Maximum number of values of `serviceAccounts`, as in Istio.
const MAX_SERVICE_ACCOUNTS: usize = 16;

/// Compiles the rules of a policy, in order.
pub(super) fn rules(spec: &Spec, scope: &Scope<'_>) -> Result<Vec<Expr>, ConfigError> {
    if spec.action == Action::Custom {
        return Err(ConfigError::new(
            "action",
            &"`CUSTOM` calls an external service and is not supported, expected `ALLOW`, `DENY` or `AUDIT`; \
              use Envoy's `ext_authz` filter",
        ));
    }
    // Istio rejects it too: the policy would reject no request.
    if spec.action == Action::Deny && spec.rules.is_empty() {
        let message = "empty list, expected a rule: a `DENY` policy without rules matches no request; the \
                       rule `{}` matches each request";
        return Err(ConfigError::new("rules", &message));
    }
    at_most(MAX_ENTRIES, "rules", spec.rules.len())?;
    let mut rules = Vec::with_capacity(spec.rules.len());
    for (index, one) in spec.rules.iter().enumerate() {
        rules.push(rule(one, scope).map_err(|error| error.in_element(index).in_member("rules"))?);
    }
    Ok(rules)
}

fn rule(rule: &Rule, scope: &Scope<'_>) -> Result<Expr, ConfigError> {
    at_most(MAX_ENTRIES, "from", rule.from.len())?;
    let mut all = Vec::new();
    let mut each = Vec::new();
    for (index, from) in rule.from.iter().enumerate() {
        let within = |error: ConfigError| error.in_member("source").in_element(index).in_member("from");
        each.push(source(&from.source, scope).map_err(within)?);
    }
    all.extend(any(&mut each));
    for (index, to) in rule.to.iter().enumerate() {
        let within = |error: ConfigError| error.in_member("operation").in_element(index).in_member("to");
        each.push(operation(&to.operation, scope).map_err(within)?);
    }
    all.extend(any(&mut each));
    for (index, when) in rule.when.iter().enumerate() {
        let within = |error: ConfigError| error.in_element(index).in_member("when");
        condition(when, scope, &mut all).map_err(within)?;
    }
    Ok(conjunction(all))
}

/// Returns the conjunction of expressions, without nested conjunctions.
fn conjunction(each: Vec<Expr>) -> Expr {
    match each.into_iter().fold(Expr::TRUE, Expr::and) {
        Expr::All(mut all) if all.len() == 1 => all.pop().unwrap_or(Expr::TRUE),
        all => all,
    }
}

/// Returns the disjunction of expressions, or `None` for an empty list.
fn any(each: &mut Vec<Expr>) -> Option<Expr> {
    let mut each = core::mem::take(each);
    if each.len() > 1 { Some(Expr::Any(each)) } else { each.pop() }
}

fn source(source: &Source, scope: &Scope<'_>) -> Result<Expr, ConfigError> {
    use Attribute::{
        Namespace, PeerAddress, Principal, RemoteAddress, RequestPrincipal, ServiceAccount, TrustDomain,
    };
    let s = source;
    let accounts =
        [("serviceAccounts", &s.service_accounts), ("notServiceAccounts", &s.not_service_accounts)];
    let others = [&s.principals, &s.not_principals, &s.namespaces, &s.not_namespaces];
    for (field, list) in accounts {
        at_most(MAX_SERVICE_ACCOUNTS, field, list.len())?;
        if !list.is_empty() && others.iter().any(|list| !list.is_empty()) {
            let message = "not allowed together with `principals`, `namespaces` or their negations";
            return Err(ConfigError::new(field, &message));
        }
    }
    let [accounts, not_accounts] = accounts;
    section(
        &[
            (Principal, ("principals", &s.principals), ("notPrincipals", &s.not_principals)),
            (
                RequestPrincipal,
                ("requestPrincipals", &s.request_principals),
                ("notRequestPrincipals", &s.not_request_principals),
            ),
            (Namespace, ("namespaces", &s.namespaces), ("notNamespaces", &s.not_namespaces)),
            (ServiceAccount, accounts, not_accounts),
            (TrustDomain, ("trustDomains", &s.trust_domains), ("notTrustDomains", &s.not_trust_domains)),
            (PeerAddress, ("ipBlocks", &s.ip_blocks), ("notIpBlocks", &s.not_ip_blocks)),
            (
                RemoteAddress,
                ("remoteIpBlocks", &s.remote_ip_blocks),
                ("notRemoteIpBlocks", &s.not_remote_ip_blocks),
            ),
        ],
        scope,
    )
}

fn operation(operation: &Operation, scope: &Scope<'_>) -> Result<Expr, ConfigError> {
    use Attribute::{DestinationPort, Host, Method, Path};
    let o = operation;
    section(
        &[
            (Host, ("hosts", &o.hosts), ("notHosts", &o.not_hosts)),
            (Method, ("methods", &o.methods), ("notMethods", &o.not_methods)),
            (Path, ("paths", &o.paths), ("notPaths", &o.not_paths)),
            (DestinationPort, ("ports", &o.ports), ("notPorts", &o.not_ports)),
        ],
        scope,
    )
}

/// A field with its name.
type Field<'f> = (&'static str, &'f List<String>);

/// Compiles the fields of a section. Rejects a section without fields.
fn section(fields: &[(Attribute, Field<'_>, Field<'_>)], scope: &Scope<'_>) -> Result<Expr, ConfigError> {
    let mut all = Vec::new();
    for (attribute, values, not_values) in fields {
        field(attribute, *values, *not_values, scope, &mut all)?;
    }
    if all.is_empty() {
        let message = "empty section, expected a field: without one, the rule is not narrowed";
        return Err(ConfigError::here(&message));
    }
    Ok(conjunction(all))
}

/// Adds the tests of a field and of its negation.
fn field(
    attribute: &Attribute,
    (name, values): Field<'_>,
    (not_name, not_values): Field<'_>,
    scope: &Scope<'_>,
    all: &mut Vec<Expr>,
) -> Result<(), ConfigError> {
    if !values.is_empty() {
        all.push(values::any_of(attribute, values, scope).map_err(|error| error.in_member(name))?);
    }
    if !not_values.is_empty() {
        let any = values::any_of(attribute, not_values, scope).map_err(|error| error.in_member(not_name))?;
        all.push(any.not());
    }
    Ok(())
}

fn condition(when: &Condition, scope: &Scope<'_>, all: &mut Vec<Expr>) -> Result<(), ConfigError> {
    let attribute = attribute(&when.key).map_err(|error| error.in_member("key"))?;
    if when.values.is_empty() && when.not_values.is_empty() {
        let message = format!("no values for `{}`, expected `values` or `notValues`", when.key);
        return Err(ConfigError::here(&message));
    }
    if attribute == Attribute::ServiceAccount {
        at_most(MAX_SERVICE_ACCOUNTS, "values", when.values.len())?;
        at_most(MAX_SERVICE_ACCOUNTS, "notValues", when.not_values.len())?;
    }
    field(&attribute, ("values", &when.values), ("notValues", &when.not_values), scope, all)
}

fn at_most(max: usize, field: &str, count: usize) -> Result<(), ConfigError> {
    if count <= max {
        return Ok(());
    }
    Err(ConfigError::new(field, &format_args!("`{count}` entries, expected at most {max}")))
}
