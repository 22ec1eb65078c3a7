//! Which requests require what.

use super::problem::{ConfigProblem, Place};
use super::requirement::Resolver;
use super::{BTreeMap, PlannedRule, Required, check};
use crate::config::{FilterStateRules, Rule};

pub(super) fn resolve(
    rules: Vec<Rule>,
    resolver: &mut Resolver<'_>,
) -> Result<Vec<PlannedRule>, ConfigProblem> {
    let rule = |(index, rule): (usize, Rule)| {
        let place = Place::of("rules").at(index);
        let Rule { condition, requires, requirement_name, required_scopes: scopes } = rule;
        check::scopes(&scopes, &place.field("required_scopes"))?;
        let required = match (requires, requirement_name) {
            (None, None) => Required::Nothing,
            (Some(requirement), None) => resolver.resolve(requirement, &place.field("requires"))?,
            (None, Some(name)) => resolver.named(&name, &place.field("requirement_name"))?,
            (Some(_), Some(name)) => {
                let message = format_args!("`{name}` is given beside `requires`; a rule has one of them");
                return Err(place.field("requirement_name").refuse(message));
            }
        };
        if !scopes.is_empty() && matches!(required, Required::Nothing) {
            let message = "scopes of tokens are required where no token is: there is no `requires`";
            return Err(place.field("required_scopes").refuse(message));
        }
        Ok(PlannedRule { condition, required, scopes })
    };
    rules.into_iter().enumerate().map(rule).collect()
}

pub(super) fn by_filter_state(
    rules: FilterStateRules,
    resolver: &mut Resolver<'_>,
) -> Result<(String, BTreeMap<String, Required>), ConfigProblem> {
    let FilterStateRules { name, requires } = rules;
    let place = Place::of("filter_state_rules");
    check::named(&name, "the name of the filter state", &place.field("name"))?;
    let place = place.field("requires");
    let requires = requires.into_iter().map(|(value, requirement)| {
        let required = resolver.resolve(requirement, &place.field(&value))?;
        Ok((value, required))
    });
    Ok((name, requires.collect::<Result<_, ConfigProblem>>()?))
}
