//! What the host was told to do instead.
//!
//! A plan is plain data, so that a scenario that is a text can hold it. What a fault strikes is counted from the start of
//! the emulator, over all VMs: the first is 1.

use super::state::Status;
use serde::{Deserialize, Serialize};

/// A fault of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// A host call, of the ABI or of WASI, is not carried out.
    Call {
        /// `proxy_http_call`, `fd_write`.
        name: String,
        /// Which of them.
        which: Which,
        /// What comes in its place.
        effect: Effect,
    },
    /// A callback is stopped on its way. The VM is lost, as by any trap.
    Callback {
        /// `proxy_on_request_headers`, or `_initialize`.
        name: String,
        /// Which of them.
        which: Which,
        /// How many instructions it carries out before it traps.
        after: u64,
    },
    /// The module's allocator fails when the host calls it.
    Allocation {
        /// Which of them.
        which: Which,
        /// How.
        effect: Shortage,
    },
}

/// Which of the things of a name a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Every one.
    All,
    /// The nth.
    Nth(u32),
    /// The nth and all behind it.
    From(u32),
}

impl Which {
    fn strikes(self, seen: u32) -> bool {
        match self {
            Which::All => true,
            Which::Nth(nth) => nth == seen,
            Which::From(first) => first <= seen,
        }
    }
}

/// What comes in place of a host call. Nothing of what was asked for is done, and no result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The call answers this.
    Answer(Status),
    /// The call answers this number: an `errno` of WASI, or what no host should answer.
    Number(u32),
    /// The VM traps in the call.
    Trap,
}

/// How an allocation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// The allocator gives null, without being called.
    Null,
    /// The VM traps in it.
    Trap,
}

#[derive(Debug)]
struct Counted {
    fault: Fault,
    seen: u32,
}

/// The faults that a test has ordered.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Counted>);

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.0.push(Counted { fault, seen: 0 });
    }

    /// Whether some fault counts instructions.
    pub fn count_instructions(&self) -> bool {
        self.0.iter().any(|counted| matches!(counted.fault, Fault::Callback { .. }))
    }

    /// Whether it matters how many host calls of this name there were before.
    pub fn counts(&self, call: &str) -> bool {
        let counts = |fault: &Fault| matches!(fault, Fault::Call { name, which, .. } if name == call && *which != Which::All);
        self.0.iter().any(|counted| counts(&counted.fault))
    }

    /// The first fault that strikes; all that are about the same thing count it.
    fn strike<T>(&mut self, about: impl Fn(&Fault) -> Option<(Which, T)>) -> Option<T> {
        let mut struck = None;
        for counted in &mut self.0 {
            if let Some((which, effect)) = about(&counted.fault) {
                counted.seen += 1;
                if which.strikes(counted.seen) {
                    struck = struck.or(Some(effect));
                }
            }
        }
        struck
    }

    /// What is to happen in place of this host call, if anything.
    pub fn call(&mut self, call: &str) -> Option<Effect> {
        self.strike(|fault| match fault {
            Fault::Call { name, which, effect } if name == call => Some((*which, *effect)),
            _ => None,
        })
    }

    /// After how many instructions this callback is to trap, if at all.
    pub fn callback(&mut self, callback: &str) -> Option<u64> {
        self.strike(|fault| match fault {
            Fault::Callback { name, which, after } if name == callback => Some((*which, *after)),
            _ => None,
        })
    }

    /// What is to happen in place of this allocation, if anything.
    pub fn allocation(&mut self) -> Option<Shortage> {
        self.strike(|fault| match fault {
            Fault::Allocation { which, effect } => Some((*which, *effect)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_data() {
        let text = r#"[
            {"call": {"name": "proxy_http_call", "which": {"nth": 3}, "effect": {"answer": "InternalFailure"}}},
            {"call": {"name": "fd_write", "which": "all", "effect": {"number": 8}}},
            {"callback": {"name": "proxy_on_tick", "which": {"from": 2}, "after": 100}},
            {"allocation": {"which": {"nth": 1}, "effect": "null"}}
        ]"#;
        let plan: Vec<Fault> = serde_json::from_str(text).unwrap();
        let mut faults = Faults::default();
        plan.iter().cloned().for_each(|fault| faults.add(fault));
        let calls: Vec<_> = (0..4).map(|_| faults.call("proxy_http_call")).collect();
        assert_eq!(calls, [None, None, Some(Effect::Answer(Status::InternalFailure)), None]);
        assert_eq!(faults.call("fd_write"), Some(Effect::Number(8)));
        let ticks: Vec<_> = (0..3).map(|_| faults.callback("proxy_on_tick")).collect();
        assert_eq!(ticks, [None, Some(100), Some(100)]);
        assert_eq!([faults.allocation(), faults.allocation()], [Some(Shortage::Null), None]);
        let again: Vec<Fault> = serde_json::from_value(serde_json::to_value(&plan).unwrap()).unwrap();
        assert_eq!(again, plan);
    }

    #[test]
    fn a_fault_with_a_field_too_many_is_refused() {
        let text = r#"{"allocation": {"which": "all", "effect": "null", "name": "x"}}"#;
        assert!(serde_json::from_str::<Fault>(text).is_err());
    }
}
