//! Roles that are bound to the subject of a request.

use super::{Facts, Unavailable};
use crate::expr::Value;
use crate::{Attribute, Expr, Truth};
use tollgate_policy::Places;

/// Bindings of roles to subjects.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    /// Names of the roles.
    pub names: Vec<Box<str>>,
    /// For each role: itself and all roles that it inherits.
    pub inherited: Vec<Vec<usize>>,
    /// Bindings that are evaluated for each request.
    pub general: Vec<Binding>,
    /// Bindings of subjects that are one text of an attribute, by attribute.
    pub exact: Vec<(Attribute, Places)>,
    /// Bindings that `exact` refers to, without their subjects.
    pub indexed: Vec<Binding>,
    /// Attributes whose values are names of roles.
    pub attributes: Vec<Attribute>,
    /// Roles by name.
    pub places: Places,
}

/// A binding of roles to a subject.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The subject, as a test that helps the client.
    pub subject: Expr,
    /// The subject, as a test that does not help the client.
    pub possible_subject: Expr,
    /// Tenant to which the binding is restricted.
    pub domain: Option<Box<[u8]>>,
    /// Indices of the roles.
    pub roles: Vec<usize>,
}

/// The roles of one request. The subject holds the certain ones. The possible ones include those that depend
/// on a value that a client added, or that is unknown: they count where a role does not help the client.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    certain: Vec<Box<str>>,
    possible: Vec<Box<str>>,
}

impl Roles {
    /// Visits the names of the certain or of the possible roles.
    pub(super) fn each(&self, certain: bool, visit: &mut dyn FnMut(Value<'_>) -> bool) {
        let names = if certain { &self.certain } else { &self.possible };
        let _ = names.iter().all(|name| visit(Value::Text(name.as_bytes())));
    }

    /// Returns whether all possible roles are certain.
    pub(super) fn are_certain(&self) -> bool {
        self.certain.len() == self.possible.len()
    }
}

/// Sets of roles, by index.
struct Held<'b> {
    bindings: &'b Bindings,
    certain: Vec<bool>,
    possible: Vec<bool>,
}

impl Held<'_> {
    fn hold(&mut self, roles: &[usize], certain: bool) {
        for role in roles.iter().filter_map(|role| self.bindings.inherited.get(*role)).flatten() {
            if let Some(held) = self.possible.get_mut(*role) {
                *held = true;
            }
            if let Some(held) = self.certain.get_mut(*role) {
                *held |= certain;
            }
        }
    }

    fn names(&self, held: &[bool]) -> Vec<Box<str>> {
        let names = self.bindings.names.iter().zip(held).filter(|(_, held)| **held);
        names.map(|(name, _)| name.clone()).collect()
    }
}

impl Bindings {
    /// Returns the roles that are bound to the subject of a request.
    pub(super) fn roles(&self, facts: &Facts<'_>) -> Result<Roles, Unavailable> {
        let none = vec![false; self.names.len()];
        let mut held = Held { bindings: self, certain: none.clone(), possible: none };
        let domain = facts.list(&Attribute::Domain)?;
        let is_partial = facts.domain().is_some_and(|domain| facts.is_partial(domain));
        // Whether a binding applies for certain, and whether it may apply. A request with several domains
        // could claim the roles of one and act on another.
        let applies = |binding: &Binding| match &binding.domain {
            None => (true, true),
            Some(name) => {
                let all = domain.iter().all(|domain| **domain == **name);
                let any = domain.iter().any(|domain| **domain == **name);
                (all && any && !is_partial, any)
            }
        };
        for binding in &self.general {
            let (certain, possible) = applies(binding);
            if certain && facts.evaluate(&binding.subject) == Truth::True {
                held.hold(&binding.roles, true);
            } else if possible && facts.evaluate(&binding.possible_subject) != Truth::False {
                held.hold(&binding.roles, false);
            }
        }
        for (attribute, places) in &self.exact {
            for text in facts.list(attribute)? {
                for binding in places.get(&text).iter().filter_map(|place| self.indexed.get(*place)) {
                    let (certain, possible) = applies(binding);
                    if possible {
                        held.hold(&binding.roles, certain);
                    }
                }
            }
        }
        for attribute in &self.attributes {
            let values = facts.list(attribute)?;
            // A client could add the name of a role to the values that it may send.
            let certain = !attribute.is_repeatable() || (values.len() == 1 && !facts.is_partial(attribute));
            for role in values.iter().filter_map(|text| self.places.first(text)) {
                held.hold(&[role], certain);
            }
        }
        Ok(Roles { certain: held.names(&held.certain), possible: held.names(&held.possible) })
    }
}
