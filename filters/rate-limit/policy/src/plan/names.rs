//! Names of policies in `RateLimit-Policy`. A response never contains two policies of one name, because a
//! client could not tell which of them has which quota.

use crate::model::Limit;
use tollgate_policy::Places;

/// Names that can be in one response together, except those of one such group: of the rates of a limit and of
/// its overrides, only some apply to a request.
type Group<'l> = Vec<&'l mut String>;

/// Gives each policy a name of its own. A rate whose name belongs to several limits is named
/// `<limit>-<rate>`.
pub(super) fn make_unique(limits: &mut [Limit]) {
    let mut used = Places::default();
    for (index, limit) in limits.iter_mut().enumerate() {
        used.add(limit.name.as_bytes(), index);
        for name in groups(limit).into_iter().flatten() {
            used.add(name.as_bytes(), index);
        }
    }
    let mut taken = Places::default();
    for limit in limits {
        let of_limit = limit.name.clone();
        for (number, group) in groups(limit).into_iter().enumerate() {
            let mut renamed: Vec<(String, String)> = Vec::new();
            for name in group {
                let known = renamed.iter().find(|(before, _)| before == name);
                let unique = match known {
                    Some((_, unique)) => unique.clone(),
                    None => {
                        let is_shared = used.get(name.as_bytes()).len() > 1 && *name != of_limit;
                        let wanted = if is_shared { [&of_limit, "-", name].concat() } else { name.clone() };
                        let unique = numbered(wanted, &|name| taken.first(name.as_bytes()).is_some());
                        renamed.push((name.clone(), unique.clone()));
                        unique
                    }
                };
                *name = unique;
            }
            renamed.iter().for_each(|(_, unique)| taken.add(unique.as_bytes(), number));
        }
    }
}

/// Returns a name that is not taken: this one, or one with a number.
#[inline(never)]
pub(crate) fn numbered(name: String, is_taken: &dyn Fn(&str) -> bool) -> String {
    let (mut unique, mut number) = (name.clone(), 1u32);
    while is_taken(&unique) {
        number = number.saturating_add(1);
        unique = [&name, "-", &number.to_string()].concat();
    }
    unique
}

fn groups(limit: &mut Limit) -> [Group<'_>; 3] {
    let has_in_flight = limit.has_in_flight();
    let mut local: Group<'_> = limit.rates.names.iter_mut().collect();
    limit.overrides.rates_mut().for_each(|rates| local.extend(&mut rates.names));
    let mut remote = Vec::new();
    if let Some(service) = &mut limit.service {
        remote.push(&mut service.policy_name);
        remote.extend(&mut service.fallback.names);
    }
    let in_flight = if has_in_flight { vec![&mut limit.in_flight_name] } else { Vec::new() };
    [local, in_flight, remote]
}
