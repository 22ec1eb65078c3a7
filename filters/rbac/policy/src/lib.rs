//! The policy of the rbac filter: authorization by roles, attributes and conditions.
//!
//! Three formats are compiled to one form. A [`Stage`] is an ordered list of [`Rule`]s, and the first rule
//! that matches a request decides. A request is allowed if every stage allows it.
//!
//! A rule has an [`Expr`]: tests of [`Attribute`]s, combined in three-valued logic. A test that cannot be
//! evaluated is [`Truth::Unknown`]. In the end, an unknown condition does not match in a rule that allows,
//! and matches in a rule that denies.

// The derived code of `#[derive(Config)]` names this crate `::tollgate`.
extern crate tollgate_policy as tollgate;

mod attribute;
mod audit;
mod condition;
pub mod config;
mod decision;
mod engine;
mod envoy;
pub mod explain;
mod expr;
mod facts;
pub mod istio;
mod plan;
mod policy;
mod reason;
mod response;
mod roles;
mod rule;
#[cfg(test)]
mod tests;
mod truth;
mod typed;

pub use attribute::{Attribute, InvalidAttribute};
pub use condition::Condition;
pub use config::Config;
pub use decision::{Decision, Refusal, Shadow};
pub use engine::{Engine, Verdict};
pub use envoy::Envoy;
pub use expr::{Expr, Predicate, Test, Value};
pub use facts::{Binding, Bindings, ClaimsSource, Environment, Facts, Roles, Sources, Unavailable};
pub use plan::Plan;
pub use policy::Policy;
pub use reason::{Event, Reason, ReasonKind};
pub use rule::{Effect, Name, Rule, Stage};
pub use truth::Truth;
pub use typed::Typed;
