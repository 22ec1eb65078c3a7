//! Rules and stages: the form to which all formats are compiled.

use crate::Expr;

/// An ordered list of rules. The first rule that matches decides.
///
/// A stage that denies consists of [`Effect::Deny`] rules, and its default is to continue. A stage that
/// allows consists of [`Effect::Allow`] rules, and its default is to deny.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Rules, in order.
    pub rules: Vec<Rule>,
    /// Effect if no rule matches: `Allow` continues with the next stage.
    pub otherwise: Effect,
    /// Whether the stage only counts for the shadow verdict. Then all its rules are shadow rules.
    pub shadow: bool,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name, for explanations.
    pub name: Name,
    /// Condition.
    pub when: Expr,
    /// Effect on a request that matches.
    pub effect: Effect,
    /// Whether the rule is only evaluated for the shadow verdict.
    pub shadow: bool,
}

/// Effect of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Continue with the next stage. After the last stage, the request is allowed.
    Allow,
    /// Reject the request.
    Deny,
    /// Record the request, and continue with the next rule.
    Log,
}

/// Name of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Name {
    /// Name of the policy: `<namespace>/<name>` in Istio's format.
    pub policy: Box<str>,
    /// Index of the rule in the policy, if a policy can have several.
    pub rule: Option<usize>,
    /// Role whose permission the rule is.
    pub role: Option<Box<str>>,
}

/// Returns the name of the rule that decided, or `none`.
pub(crate) fn name_of(rule: Option<&Rule>) -> String {
    let mut name = String::new();
    match rule {
        Some(rule) => rule.name.write(&mut name),
        None => name.push_str("none"),
    }
    name
}

impl Name {
    /// Writes the name as in response code details: `shop/orders-rule[0]`, `editors-role[editor]`.
    pub fn write(&self, out: &mut String) {
        out.push_str(&self.policy);
        if let Some(rule) = self.rule {
            out.push_str("-rule[");
            out.push_str(&rule.to_string());
            out.push(']');
        }
        // The permissions of a role are named after the role.
        if let Some(role) = self.role.as_ref().filter(|role| **role != self.policy) {
            out.push_str("-role[");
            out.push_str(role);
            out.push(']');
        }
    }
}
