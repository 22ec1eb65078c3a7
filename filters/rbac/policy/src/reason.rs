//! Reasons for rejecting a request.

use crate::Rule;
use crate::rule::name_of;
use std::borrow::Cow;
use tollgate_policy::{InvalidPath, Label, ResponseDetails};

/// Reason for rejecting a request.
#[derive(Clone, Copy, Debug)]
pub enum Reason<'p> {
    /// A rule rejects the request.
    Rule(&'p Rule),
    /// No rule allows the request.
    NoRule,
    /// The path is invalid, or cannot be read in one way.
    InvalidPath(InvalidPath),
    /// An attribute could not be read.
    HostError,
}

/// Kind of a reason, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum ReasonKind {
    /// A policy rejects the request.
    Policy,
    /// No policy allows the request.
    NoPolicy,
    /// The path is invalid.
    InvalidPath,
    /// An attribute could not be read.
    HostError,
}

/// Decision of a policy about a request, for statistics.
#[derive(Clone, Copy, Debug, Label)]
pub enum Event {
    /// The policy allowed the request.
    Allowed,
    /// The policy rejected the request.
    Denied,
    /// The policy allowed the request in the shadow verdict.
    ShadowAllowed,
    /// The policy rejected the request in the shadow verdict.
    ShadowDenied,
    /// The policy recorded the request.
    Logged,
}

impl<'p> Reason<'p> {
    /// Returns the kind.
    pub fn kind(self) -> ReasonKind {
        match self {
            Self::Rule(_) => ReasonKind::Policy,
            Self::NoRule => ReasonKind::NoPolicy,
            Self::InvalidPath(_) => ReasonKind::InvalidPath,
            Self::HostError => ReasonKind::HostError,
        }
    }

    /// Returns the rule that rejects the request.
    pub fn rule(self) -> Option<&'p Rule> {
        match self {
            Self::Rule(rule) => Some(rule),
            _ => None,
        }
    }

    /// Returns a sentence for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Rule(_) | Self::NoRule => "RBAC: access denied",
            Self::InvalidPath(_) => "RBAC: invalid path",
            Self::HostError => "RBAC: cannot check the request",
        }
    }
}

/// Details of a policy are Envoy's (`rbac_access_denied_matched_policy[..]` in
/// `source/extensions/filters/http/rbac/rbac_filter.cc`).
impl ResponseDetails for Reason<'_> {
    fn details(self) -> Cow<'static, str> {
        match self {
            // Envoy writes details to logs whose fields are separated by spaces.
            Self::Rule(_) | Self::NoRule => {
                let name = name_of(self.rule()).replace(' ', "_");
                ["rbac_access_denied_matched_policy[", &name, "]"].concat().into()
            }
            Self::InvalidPath(error) => ["rbac_invalid_path{", error.name(), "}"].concat().into(),
            Self::HostError => "rbac_host_error".into(),
        }
    }
}
