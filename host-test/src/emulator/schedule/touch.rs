//! Accesses to state that threads share.

use crate::Upstream;
use crate::emulator::world::UpstreamState;

/// The kind of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessKind {
    /// Reads the resource.
    Read,
    /// Adds to the resource without reading it: the order of two such accesses makes no difference.
    Add,
    /// Any other access.
    Change,
}

/// An access to a shared resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedAccess {
    /// The name of the resource; `None` means all resources.
    resource: Option<String>,
    kind: AccessKind,
}

impl SharedAccess {
    /// Creates an access. Different names mean different resources.
    pub fn new(resource: impl Into<String>, kind: AccessKind) -> Self {
        Self { resource: Some(resource.into()), kind }
    }

    /// Creates an access that may affect any resource.
    pub fn everything() -> Self {
        Self { resource: None, kind: AccessKind::Change }
    }

    /// Creates an access to the next scripted answer of an upstream. Returns `None` if no upstream has
    /// several answers. All upstreams form one resource.
    pub fn upstreams(upstreams: &[UpstreamState]) -> Option<Self> {
        let several = |spec: &Upstream| {
            spec.answers.len() > 1 || spec.by_path.iter().any(|(_, answers)| answers.len() > 1)
        };
        upstreams
            .iter()
            .any(|upstream| several(&upstream.spec))
            .then(|| Self::new("upstreams", AccessKind::Change))
    }

    /// Returns the name of the resource, unless the access is to all resources.
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// Returns whether the order of two accesses by different threads makes no difference.
    pub fn commutes(&self, other: &Self) -> bool {
        let apart = self.resource.is_some() && other.resource.is_some() && self.resource != other.resource;
        apart || (self.kind == other.kind && self.kind != AccessKind::Change)
    }
}

#[cfg(test)]
mod tests {
    use super::AccessKind::{Add, Change, Read};
    use super::SharedAccess;

    #[test]
    fn the_order_matters_if_one_access_changes_what_the_other_sees() {
        // (first access, second access, whether they commute)
        let table = [
            (Read, Read, true),
            (Add, Add, true),
            (Read, Add, false),
            (Read, Change, false),
            (Add, Change, false),
            (Change, Change, false),
        ];
        for (one, other, same) in table {
            assert_eq!(
                SharedAccess::new("a", one).commutes(&SharedAccess::new("a", other)),
                same,
                "{one:?} {other:?}"
            );
            assert_eq!(
                SharedAccess::new("a", other).commutes(&SharedAccess::new("a", one)),
                same,
                "{other:?} {one:?}"
            );
            assert!(SharedAccess::new("a", one).commutes(&SharedAccess::new("b", other)));
            assert!(!SharedAccess::new("a", one).commutes(&SharedAccess::everything()));
            assert!(!SharedAccess::everything().commutes(&SharedAccess::new("a", other)));
        }
    }
}
