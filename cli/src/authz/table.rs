//! A table of requests with the expected decisions.

use super::request::RequestFields;
use super::sample::Sample;
use super::select::reason;
use super::show;
use serde_json::Value;
use tollgate_policy::{Config, ConfigError};
use tollgate_rbac_policy::explain::{Explanation, Selection};
use tollgate_rbac_policy::{Policy, Rule};

/// A request and the expected decision.
#[derive(Clone, Debug, Config)]
pub struct Case {
    /// Name, for the output. Default: the method and the path.
    pub name: Option<String>,
    /// The request.
    #[config(flatten)]
    pub request: RequestFields,
    /// Expected decision.
    pub expect: Verdict,
    /// Policy that must decide, such as `shop/orders`, or its rule, as in response code details:
    /// `shop/orders-rule[0]`. `none` means that no policy matches.
    pub policy: Option<String>,
    /// Expected shadow verdict.
    pub shadow: Option<Verdict>,
}

/// A decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum Verdict {
    /// The request is allowed.
    #[default]
    Allow,
    /// The request is rejected.
    Deny,
}

impl Verdict {
    fn new(denied: bool) -> Self {
        if denied { Self::Deny } else { Self::Allow }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// Reads a table, and creates its requests for a policy.
pub fn read(table: &Value, policy: &Policy) -> Result<Vec<(Case, Sample)>, ConfigError> {
    let cases: Vec<Case> = tollgate_policy::config::read(table)?;
    if cases.is_empty() {
        return Err(ConfigError::here(&"must have at least one request"));
    }
    let sources = policy.plan().sources();
    let cases = cases.into_iter().enumerate().map(|(index, case)| {
        let sample = Sample::new(&case.request, sources).map_err(|error| error.in_element(index))?;
        Ok((case, sample))
    });
    cases.collect()
}

/// Returns the JSON Schema of a table.
pub fn schema() -> Value {
    let mut schema = tollgate_policy::config::schema::of::<Vec<Case>>();
    schema["title"] = "Tollgate authorization table".into();
    schema["description"] =
        "Requests with the expected decisions of a policy, for `tollgate authz test`.".into();
    schema["minItems"] = 1.into();
    schema
}

/// The result of a case.
#[derive(Debug)]
pub struct CaseResult<'p> {
    /// Name of the case.
    pub name: String,
    /// Differences from the expectations. Empty if the case passed.
    pub failures: Vec<String>,
    /// The explanation of the decision.
    pub explanation: Explanation<'p>,
}

impl Case {
    /// Decides about the request, and compares the decision with the expectations.
    pub fn run<'p>(&self, sample: &Sample, policy: &'p Policy) -> CaseResult<'p> {
        let explanation = sample.explain(policy, Selection::Relevant);
        let decision = &explanation.decision;
        let mut failures = Vec::new();
        let actual = Verdict::new(decision.refusal.is_some());
        if actual != self.expect {
            failures.push(format!("expected `{}`, found `{}`", self.expect.text(), actual.text()));
        }
        if let Some(policy) = self.policy.as_ref().filter(|policy| !is_named(decision.rule, policy)) {
            let found = decision.rule.map_or("none".into(), written);
            failures.push(format!("expected policy `{policy}`, found `{found}`"));
        }
        if let Some(expected) = self.shadow {
            let found = decision.shadow.map(|shadow| Verdict::new(shadow.denied()));
            if found != Some(expected) {
                let found = found.map_or("none", Verdict::text);
                failures.push(format!("expected shadow verdict `{}`, found `{found}`", expected.text()));
            }
        }
        let name = self.name.clone();
        let name = name.unwrap_or_else(|| format!("{} {}", sample.pseudo(":method"), sample.pseudo(":path")));
        CaseResult { name, failures, explanation }
    }
}

impl CaseResult<'_> {
    /// Returns the failures and the reason for the decision, on one line.
    pub fn line(&self) -> String {
        let denied = self.explanation.decision.refusal.is_some();
        let verb = if denied { "denied" } else { "allowed" };
        let mut line = format!("{}; {verb} {}", self.failures.join("; "), show::outcome(&self.explanation));
        if let Some(reason) = reason(&self.explanation).filter(|reason| !reason.is_empty()) {
            line += &format!(": {reason}");
        }
        line.replace('\n', " ")
    }
}

fn written(rule: &Rule) -> String {
    let mut text = String::new();
    rule.name.write(&mut text);
    text
}

fn is_named(rule: Option<&Rule>, name: &str) -> bool {
    rule.map_or(name == "none", |rule| *rule.name.policy == *name || written(rule) == name)
}
