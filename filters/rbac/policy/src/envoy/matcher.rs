//! The generic matcher: `xds.type.matcher.v3.Matcher`.
//!
//! Envoy walks the tree until a branch ends in an action. If no branch below a node does, it continues after
//! the node: with the next matcher, the next shorter prefix, the next larger network, and then `on_no_match`.
//! (Older versions of Envoy stopped at the first prefix.) The order of the walk is therefore an ordered list
//! of rules, one for each action, whose condition is the conjunction of the tests on the way to it. No rule
//! needs the negation of an earlier one, except for `exclusive` networks.

use super::Action;
use super::input::Input;
use super::object::{Extension, Field, Message, Read, each, list, name};
use super::text::{self, Pattern, in_networks};
use crate::{Attribute, Effect, Expr, Name, Rule, Stage};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tollgate_policy::{Cidr, ConfigError, Places, Value};

/// Reads a matcher. A request that no action matches is rejected.
pub(super) fn stage(value: &Value) -> Result<Stage, ConfigError> {
    let mut compiler = Compiler { rules: Vec::new() };
    compiler.matcher(value, &Expr::TRUE)?;
    Ok(Stage { rules: compiler.rules, otherwise: Effect::Deny, shadow: false })
}

struct Compiler {
    rules: Vec<Rule>,
}

/// A network of an `IPMatcher`, with the index of its branch.
struct Range {
    network: Cidr,
    length: i64,
    branch: usize,
}

impl Compiler {
    /// Appends the rules of a matcher. `when` is the condition of the way to it.
    #[inline(never)]
    fn matcher(&mut self, value: &Value, when: &Expr) -> Result<(), ConfigError> {
        let message = Message::read(value, &["matcher_list", "matcher_tree", "on_no_match"])?;
        match (message.get("matcher_list"), message.get("matcher_tree")) {
            (Some(_), Some(tree)) => return Err(tree.error(&"not supported together with `matcher_list`")),
            (Some(list), None) => self.field(list, when, Self::matcher_list)?,
            (None, Some(tree)) => self.field(tree, when, Self::matcher_tree)?,
            // An empty matcher rejects every request, as in Envoy.
            (None, None) => {}
        }
        message.get("on_no_match").map_or(Ok(()), |field| self.on_match(field, when.clone()))
    }

    /// Reads a field.
    fn field(
        &mut self,
        field: Field<'_>,
        when: &Expr,
        read: fn(&mut Self, &Value, &Expr) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        read(self, field.value, when).map_err(|error| error.in_member(field.name))
    }

    fn matcher_list(&mut self, value: &Value, when: &Expr) -> Result<(), ConfigError> {
        let matchers = Message::read(value, &["matchers"])?.required("matchers")?;
        let each = each(matchers.value, 1, &mut |value| {
            let message = Message::read(value, &["predicate", "on_match"])?;
            let test = message.required("predicate")?.read(predicate)?;
            self.on_match(message.required("on_match")?, when.clone().and(test))
        });
        each.map_err(|error| error.in_member(matchers.name))
    }

    fn matcher_tree(&mut self, value: &Value, when: &Expr) -> Result<(), ConfigError> {
        let message =
            Message::read(value, &["input", "exact_match_map", "prefix_match_map", "custom_match"])?;
        let input = message.required("input")?.read(Input::read)?;
        let (kind, field) = message.one(&["input"])?;
        let result = match kind {
            "custom_match" => self.custom_match(field.value, &input, when),
            _ => self.match_map(field.value, &input, when, kind == "prefix_match_map"),
        };
        result.map_err(|error| error.in_member(field.name))
    }

    fn match_map(
        &mut self,
        value: &Value,
        input: &Input,
        when: &Expr,
        by_prefix: bool,
    ) -> Result<(), ConfigError> {
        let map = Message::read(value, &["map"])?.required("map")?;
        let Value::Object(members) = map.value else {
            return Err(ConfigError::invalid_type(map.value, "an object").in_member(map.name));
        };
        if members.is_empty() {
            return Err(map.error(&"the map is empty"));
        }
        let mut branches: Vec<_> = members.iter().map(|(name, value)| Field { name, value }).collect();
        if by_prefix {
            branches.sort_by_key(|branch| core::cmp::Reverse(branch.name.len()));
        }
        for branch in branches {
            let test = if by_prefix { input.begins_with(branch) } else { input.equals(branch) };
            let result = test.and_then(|test| self.on_match(branch, when.clone().and(test)));
            result.map_err(|error| error.in_member(map.name))?;
        }
        Ok(())
    }

    fn custom_match(&mut self, value: &Value, input: &Input, when: &Expr) -> Result<(), ConfigError> {
        const IP: &str = "xds.type.matcher.v3.IPMatcher";
        const SERVER_NAME: &str = "xds.type.matcher.v3.ServerNameMatcher";
        let extension = Extension::read(value)?;
        match (extension.kind, input) {
            (IP, Input::Address(attribute)) => extension.message(&["@type", "range_matchers"], |message| {
                message.get("range_matchers").map_or(Ok(()), |field| self.ranges(field, attribute, when))
            }),
            (SERVER_NAME, Input::Text(attribute)) => {
                extension.message(&["@type", "domain_matchers"], |message| {
                    message
                        .get("domain_matchers")
                        .map_or(Ok(()), |field| self.domains(field, attribute, when))
                })
            }
            (IP | SERVER_NAME, _) => Err(input.unsupported()),
            _ => Err(extension.unsupported(&[IP, SERVER_NAME])),
        }
    }

    /// Reads the networks of an `IPMatcher`. The longest prefix comes first.
    fn ranges(&mut self, field: Field<'_>, attribute: &Attribute, when: &Expr) -> Result<(), ConfigError> {
        let mut ranges = Vec::new();
        let mut branches = Vec::new();
        let read = each(field.value, 0, &mut |value| {
            let message = Message::read(value, &["ranges", "on_match", "exclusive"])?;
            for (network, length) in
                message.required("ranges")?.read(|value| list(value, 1, text::network))?
            {
                ranges.push(Range { network, length, branch: branches.len() });
            }
            branches.push((message.required("on_match")?, message.flag("exclusive")?));
            Ok(())
        });
        read.map_err(|error| error.in_member(field.name))?;
        ranges.sort_by_key(|range| (core::cmp::Reverse(range.length), range.branch));
        let mut before: Vec<Cidr> = Vec::new();
        // Networks of one branch with the same length are disjoint, so that one rule can test them together.
        for group in ranges.chunk_by(|a, b| (a.length, a.branch) == (b.length, b.branch)) {
            let Some((on_match, exclusive)) = group.first().and_then(|first| branches.get(first.branch))
            else {
                continue;
            };
            let networks: Box<[Cidr]> = group.iter().map(|range| range.network).collect();
            let mut test = in_networks(attribute.clone(), networks.clone());
            if *exclusive {
                // Envoy skips the branch if another network of an earlier rule contains the address.
                let inside = |other: &&Cidr| networks.iter().any(|network| network.contains(first(other)));
                let earlier: Box<[Cidr]> = before.iter().filter(inside).copied().collect();
                if !earlier.is_empty() {
                    test = test.and(in_networks(attribute.clone(), earlier).not());
                }
            }
            before.extend(networks);
            let index = group.first().map_or(0, |first| first.branch);
            self.on_match(*on_match, when.clone().and(test))
                .map_err(|error| error.in_element(index).in_member(field.name))?;
        }
        Ok(())
    }

    /// Reads the domains of a `ServerNameMatcher`: whole names come first, then the longest suffix.
    fn domains(&mut self, field: Field<'_>, attribute: &Attribute, when: &Expr) -> Result<(), ConfigError> {
        let mut domains: Vec<(&str, Field<'_>, usize)> = Vec::new();
        let (mut known, mut index) = (Places::default(), 0);
        let read = each(field.value, 0, &mut |value| {
            let message = Message::read(value, &["domains", "on_match"])?;
            let (names, on_match) = (message.required("domains")?, message.required("on_match")?);
            let each = each(names.value, 1, &mut |value| {
                let domain = domain(value)?;
                if known.first(domain.as_bytes()).is_some() {
                    return Err(ConfigError::here(&format_args!("duplicate domain `{domain}`")));
                }
                known.add(domain.as_bytes(), index);
                domains.push((domain, on_match, index));
                Ok(())
            });
            index += 1;
            each.map_err(|error| error.in_member(names.name))
        });
        read.map_err(|error| error.in_member(field.name))?;
        domains.sort_by_key(|(domain, _, _)| (domain.starts_with('*'), core::cmp::Reverse(domain.len())));
        for (domain, on_match, index) in domains {
            let test = match domain.strip_prefix('*') {
                Some("") => {
                    let empty = Expr::one_of(attribute.clone(), [""]);
                    Ok(Expr::present(attribute.clone()).and(empty.not()))
                }
                Some(suffix) => Pattern::new("suffix", suffix).test(attribute.clone()),
                None => Pattern::new("exact", domain).test(attribute.clone()),
            };
            let result = test.and_then(|test| self.on_match(on_match, when.clone().and(test)));
            result.map_err(|error| error.in_element(index).in_member(field.name))?;
        }
        Ok(())
    }

    /// Appends the rules of a branch, whose condition is `when`.
    fn on_match(&mut self, field: Field<'_>, when: Expr) -> Result<(), ConfigError> {
        self.branch(field.value, when).map_err(|error| error.in_member(field.name))
    }

    #[inline(never)]
    fn branch(&mut self, value: &Value, when: Expr) -> Result<(), ConfigError> {
        let message = Message::read(value, &["action", "matcher", "keep_matching"])?;
        if message.flag("keep_matching")? {
            let message = "`true` is not supported, neither here nor in Envoy's filter";
            return Err(ConfigError::here(&message).in_member("keep_matching"));
        }
        let (kind, field) = message.one(&["keep_matching"])?;
        if kind == "matcher" {
            return self.field(field, &when, Self::matcher);
        }
        let (policy, action) = field.read(action)?;
        self.action(policy, action, when);
        Ok(())
    }

    fn action(&mut self, policy: &str, action: Action, when: Expr) {
        let name = Name { policy: policy.into(), rule: None, role: None };
        let mut push = |when, effect| {
            self.rules.push(Rule { name: name.clone(), when, effect, shadow: false });
        };
        match action {
            Action::Allow => push(when, Effect::Allow),
            Action::Deny => push(when, Effect::Deny),
            // Logging ends the walk and allows the request.
            Action::Log => {
                push(when.clone(), Effect::Log);
                push(when, Effect::Allow);
            }
        }
    }
}

/// Returns the first address of a network.
fn first(network: &Cidr) -> IpAddr {
    match network {
        Cidr::V4 { network, .. } => Ipv4Addr::from_bits(*network).into(),
        Cidr::V6 { network, .. } => Ipv6Addr::from_bits(*network).into(),
    }
}

/// Reads a predicate of a list.
#[inline(never)]
fn predicate(value: &Value) -> Result<Expr, ConfigError> {
    let names = &["single_predicate", "or_matcher", "and_matcher", "not_matcher"];
    let (kind, field) = Message::read(value, names)?.one(&[])?;
    let read: Read<Expr> = match kind {
        "single_predicate" => |value| {
            let message = Message::read(value, &["input", "value_match", "custom_match"])?;
            let input = message.required("input")?.read(Input::read)?;
            let (kind, field) = message.one(&["input"])?;
            if kind == "value_match" { input.value_match(field) } else { input.custom_match(field) }
        },
        "or_matcher" => |value| predicates(value).map(Expr::Any),
        "and_matcher" => |value| predicates(value).map(Expr::All),
        _ => |value| predicate(value).map(Expr::not),
    };
    field.read(read)
}

fn predicates(value: &Value) -> Result<Vec<Expr>, ConfigError> {
    let predicates = Message::read(value, &["predicate"])?.required("predicate")?;
    predicates.read(|value| list(value, 2, predicate))
}

/// Reads a domain: a name, `*.` and a name, or `*`.
fn domain(value: &Value) -> Result<&str, ConfigError> {
    let domain = name(value)?;
    let rest = domain.strip_prefix("*.").unwrap_or(domain);
    if domain == "*" || !(rest.is_empty() || rest.contains('*')) {
        return Ok(domain);
    }
    let found = domain.escape_debug();
    Err(ConfigError::here(&format_args!(
        "`{found}` is not a domain such as `a.example.com`, `*.example.com`, `*`"
    )))
}

/// Reads an action. Returns the name of its policy.
fn action(value: &Value) -> Result<(&str, Action), ConfigError> {
    const TYPE: &str = "envoy.config.rbac.v3.Action";
    let extension = Extension::read(value)?;
    if extension.kind != TYPE {
        return Err(extension.unsupported(&[TYPE]));
    }
    extension.message(&["@type", "name", "action"], |message| {
        let policy = message.required("name")?.read(name)?;
        let action = message.get("action").map_or(Ok(Action::Allow), |field| field.read(super::action))?;
        Ok((policy, action))
    })
}
