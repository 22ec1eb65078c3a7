//! Whom a request is counted for: descriptor entries, by Envoy's rate limit actions
//! (`config.route.v3.RateLimit.Action`).

mod action;
mod overrides;

pub use action::{Action, Entry, IfAbsent, Source, property};
pub use overrides::Overrides;
