//! Roles, bindings and rules, compiled to one stage.

use crate::config::{Action, AttributeMatch, BindingConfig, Config, Permission, Role, RuleConfig};
use crate::{Attribute, Binding, Bindings, Condition, Effect, Expr, Name, Predicate, Rule, Stage, Test};
use tollgate_policy::{
    ConfigError, FieldTest, HeaderName, Method, Named, Places, RequestMatch, StringMatcher,
};

/// Returns the stage of the rules and of the permissions of the roles; `None` if there are neither.
pub fn stage(config: &Config) -> Result<Option<Stage>, ConfigError> {
    if config.roles.iter().len() == 0 && config.rules.is_empty() {
        let given = [
            ("bindings", !config.bindings.is_empty()),
            ("role_attributes", !config.role_attributes.is_empty()),
            ("default_action", config.default_action != Action::Deny),
        ];
        return match given.iter().find(|(_, given)| *given) {
            Some((field, _)) => Err(ConfigError::new(field, &"has no effect without `roles` or `rules`")),
            None => Ok(None),
        };
    }
    let known = places(&config.roles);
    let mut rules = Vec::new();
    for (index, rule) in config.rules.iter().enumerate() {
        rules.push(compile_rule(rule, config, &known).map_err(|error| error.in_list("rules", index))?);
    }
    let mut names = Places::default();
    for (index, rule) in config.rules.iter().enumerate() {
        let taken =
            names.first(rule.name.as_bytes()).is_some() || known.first(rule.name.as_bytes()).is_some();
        if rule.name.is_empty() || taken {
            let message =
                format!("`{}` is empty, or the name of another rule or role", rule.name.escape_debug());
            return Err(ConfigError::new(&format!("rules[{index}].name"), &message));
        }
        names.add(rule.name.as_bytes(), index);
    }
    for (name, role) in &config.roles {
        for (index, permission) in role.permissions.iter().enumerate() {
            let when = compile_permission(permission, config)
                .map_err(|error| error.in_list("permissions", index).in_member(name).in_member("roles"))?;
            rules.push(Rule {
                name: Name {
                    policy: name.as_str().into(),
                    rule: Some(index),
                    role: Some(name.as_str().into()),
                },
                when: Expr::one_of(Attribute::Role, [name.as_str()]).and(when),
                effect: Effect::Allow,
                shadow: false,
            });
        }
    }
    let otherwise = effect(config.default_action);
    Ok(Some(Stage { rules, otherwise, shadow: false }))
}

fn effect(action: Action) -> Effect {
    match action {
        Action::Allow => Effect::Allow,
        Action::Deny => Effect::Deny,
    }
}

fn places(roles: &Named<Role>) -> Places {
    let mut places = Places::default();
    for (index, (name, _)) in roles.iter().enumerate() {
        places.add(name.as_bytes(), index);
    }
    places
}

fn compile_rule(rule: &RuleConfig, config: &Config, known: &Places) -> Result<Rule, ConfigError> {
    rule.operation.check(&config.path_normalization).map_err(|error| error.in_member("match"))?;
    let mut when = operation(&rule.operation);
    if !rule.roles.is_empty() {
        role_indices(&rule.roles, known)?;
        when = when.and(Expr::one_of(Attribute::Role, rule.roles.iter().map(String::as_str)));
    }
    when = conditions(when, &rule.attributes, rule.condition.as_deref())?;
    let name = Name { policy: rule.name.as_str().into(), ..Name::default() };
    Ok(Rule { name, when, effect: effect(rule.action), shadow: false })
}

fn compile_permission(permission: &Permission, config: &Config) -> Result<Expr, ConfigError> {
    permission.operation.check(&config.path_normalization)?;
    conditions(operation(&permission.operation), &permission.attributes, permission.condition.as_deref())
}

fn conditions(
    mut when: Expr,
    attributes: &[AttributeMatch],
    condition: Option<&str>,
) -> Result<Expr, ConfigError> {
    for (index, attribute) in attributes.iter().enumerate() {
        when = when.and(attribute.compile().map_err(|error| error.in_list("attributes", index))?);
    }
    if let Some(text) = condition {
        let condition = Condition::parse(text).map_err(|error| error.in_member("condition"))?;
        when = when.and(Expr::Condition(Box::new(condition)));
    }
    Ok(when)
}

/// Compiles a condition on a request.
fn operation(operation: &RequestMatch) -> Expr {
    let mut parts = Vec::new();
    let RequestMatch { hosts, paths, methods, headers, query, .. } = operation;
    if !hosts.is_empty() {
        let hosts = hosts.iter().map(|host| host.matcher().clone());
        parts.push(Expr::test(Attribute::Host, Predicate::Text(hosts.collect())));
    }
    if !paths.is_empty() {
        parts.push(Expr::test(Attribute::Path, Predicate::Path(paths.as_slice().into())));
    }
    if !methods.is_empty() {
        parts.push(Expr::one_of(Attribute::Method, methods.iter().map(Method::as_str)));
    }
    for header in headers {
        let (name, test) = header.parts();
        // Envoy has no header of this name.
        let is_host = name.as_str() == "host";
        let attribute = if is_host { Attribute::Host } else { Attribute::Header(HeaderName::clone(name)) };
        parts.push(field(attribute, test));
    }
    for parameter in query {
        let (name, test) = parameter.parts();
        parts.push(field(Attribute::QueryParameter(name.into()), test));
    }
    Expr::All(parts)
}

fn field(attribute: Attribute, test: FieldTest<'_>) -> Expr {
    let predicate = match test.value {
        None => Predicate::Present,
        Some(matcher) => Predicate::Text([StringMatcher::clone(matcher)].into()),
    };
    let expr = Expr::Test(Test { attribute, predicate, many: test.values });
    if test.negated { expr.not() } else { expr }
}

fn role_indices(names: &[String], known: &Places) -> Result<Vec<usize>, ConfigError> {
    let mut indices = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let unknown = || {
            let message = format!("unknown role `{}`, {}", name.escape_debug(), known.known());
            ConfigError::here(&message).in_list("roles", index)
        };
        indices.push(known.first(name.as_bytes()).ok_or_else(unknown)?);
    }
    Ok(indices)
}

/// Returns the bindings of the roles.
pub fn bindings(config: &Config) -> Result<Bindings, ConfigError> {
    let places = places(&config.roles);
    let mut bindings = Bindings {
        names: config.roles.iter().map(|(name, _)| name.as_str().into()).collect(),
        inherited: inherited(&config.roles, &places)?,
        attributes: config.role_attributes.clone(),
        places,
        ..Bindings::default()
    };
    for (index, binding) in config.bindings.iter().enumerate() {
        bind(binding, config, &mut bindings).map_err(|error| error.in_list("bindings", index))?;
    }
    for (index, attribute) in config.role_attributes.iter().enumerate() {
        independent(attribute).map_err(|error| error.in_list("role_attributes", index))?;
    }
    if let Some(domain) = &config.domain {
        independent(domain).map_err(|error| error.in_member("domain"))?;
    }
    Ok(bindings)
}

/// Checks that an attribute does not depend on roles or on the domain, which are computed from it.
fn independent(attribute: &Attribute) -> Result<(), ConfigError> {
    match attribute {
        Attribute::Role | Attribute::Domain => {
            Err(ConfigError::here(&format_args!("`{attribute}` cannot define roles or the domain")))
        }
        _ => Ok(()),
    }
}

fn bind(binding: &BindingConfig, config: &Config, bindings: &mut Bindings) -> Result<(), ConfigError> {
    let roles = role_indices(&binding.roles, &bindings.places)?;
    if roles.is_empty() {
        return Err(ConfigError::new("roles", &"must have at least one element"));
    }
    if binding.subjects.is_empty() {
        return Err(ConfigError::new("subjects", &"must have at least one element"));
    }
    if binding.domain.is_some() && config.domain.is_none() {
        return Err(ConfigError::new(
            "domain",
            &"the configuration needs `domain`, the attribute that names the tenant",
        ));
    }
    let domain: Option<Box<[u8]>> = binding.domain.as_ref().map(|name| name.as_bytes().into());
    for (index, subject) in binding.subjects.iter().enumerate() {
        let compile = || {
            independent(&subject.attribute)?;
            subject.same_as.as_ref().map_or(Ok(()), independent)?;
            subject.compile()
        };
        let mut expr = compile().map_err(|error| error.in_list("subjects", index))?;
        let mut possible_subject = expr.clone();
        expr.resolve_many(true);
        possible_subject.resolve_many(false);
        let (domain, roles) = (domain.clone(), roles.clone());
        let compiled = Binding { subject: expr, possible_subject, domain, roles };
        // One value of a repeatable attribute must not be enough.
        let is_plain = !subject.attribute.is_repeatable() && subject.attribute != Attribute::PeerAddress;
        match subject.texts().filter(|_| is_plain) {
            Some(texts) => {
                let place = bindings.indexed.len();
                bindings.indexed.push(compiled);
                let exact = bindings.exact.iter_mut().find(|(attribute, _)| *attribute == subject.attribute);
                if let Some((_, places)) = exact {
                    texts.into_iter().for_each(|text| places.add(text, place));
                } else {
                    let mut places = Places::default();
                    texts.into_iter().for_each(|text| places.add(text, place));
                    bindings.exact.push((subject.attribute.clone(), places));
                }
            }
            None => bindings.general.push(compiled),
        }
    }
    Ok(())
}

/// Returns for each role the indices of itself and of all roles that it inherits.
fn inherited(roles: &Named<Role>, known: &Places) -> Result<Vec<Vec<usize>>, ConfigError> {
    let mut direct = Vec::new();
    for (name, role) in roles {
        let mut parents = Vec::new();
        for (index, parent) in role.inherits.iter().enumerate() {
            let unknown = || {
                let message = format!("unknown role `{}`, {}", parent.escape_debug(), known.known());
                ConfigError::here(&message).in_list("inherits", index).in_member(name).in_member("roles")
            };
            parents.push(known.first(parent.as_bytes()).ok_or_else(unknown)?);
        }
        direct.push(parents);
    }
    let mut all = Vec::new();
    for (start, (name, _)) in roles.iter().enumerate() {
        let (mut reached, mut next) = (vec![false; direct.len()], vec![start]);
        while let Some(role) = next.pop() {
            for parent in direct.get(role).into_iter().flatten() {
                if *parent == start {
                    let message = format!("role `{}` inherits itself", name.escape_debug());
                    return Err(ConfigError::here(&message)
                        .in_member("inherits")
                        .in_member(name)
                        .in_member("roles"));
                }
                if let Some(reached) = reached.get_mut(*parent).filter(|reached| !**reached) {
                    *reached = true;
                    next.push(*parent);
                }
            }
        }
        let mut list = vec![start];
        list.extend(reached.iter().enumerate().filter(|(_, reached)| **reached).map(|(role, _)| role));
        all.push(list);
    }
    Ok(all)
}
