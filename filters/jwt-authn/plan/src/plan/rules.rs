//! Rules: requests and their requirements.

use super::requirement::Resolver;
use super::{PlannedRule, Required, check};
use crate::config::{FilterStateRules, Rule};
use tollgate_policy::{ConfigError, FieldPath, Named};

pub(super) fn resolve(
    rules: Vec<Rule>,
    resolver: &mut Resolver<'_>,
) -> Result<Vec<PlannedRule>, ConfigError> {
    let mut planned = Vec::new();
    for (index, rule) in rules.into_iter().enumerate() {
        let place = FieldPath::new("rules").at(index);
        let Rule { condition, requires, requirement_name, required_scopes: scopes } = rule;
        check::scopes(&scopes, &place.field("required_scopes"))?;
        let required = match (requires, requirement_name) {
            (None, None) => Required::Nothing,
            (Some(requirement), None) => resolver.resolve(requirement, &place.field("requires"))?,
            (None, Some(name)) => resolver.named(&name, &place.field("requirement_name"))?,
            (Some(_), Some(name)) => {
                let message =
                    format_args!("`{name}` conflicts with `requires`; a rule has at most one of them");
                return Err(place.field("requirement_name").error(message));
            }
        };
        if !scopes.is_empty() && matches!(required, Required::Nothing) {
            let message = "`required_scopes` needs `requires`: this rule accepts requests without a token";
            return Err(place.field("required_scopes").error(message));
        }
        planned.push(PlannedRule::new(condition, required, scopes));
    }
    Ok(planned)
}

pub(super) fn by_filter_state(
    rules: FilterStateRules,
    resolver: &mut Resolver<'_>,
) -> Result<(String, Named<Required>), ConfigError> {
    let FilterStateRules { name, requires } = rules;
    let place = FieldPath::new("filter_state_rules");
    place.field("name").named(&name, "the name of the filter state")?;
    let place = place.field("requires");
    let mut by_value = Named::default();
    for (value, requirement) in requires {
        let required = resolver.resolve(requirement, &place.field(&value))?;
        by_value.insert(value, required);
    }
    Ok((name, by_value))
}
