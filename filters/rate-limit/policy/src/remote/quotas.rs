//! Quotas of the descriptors of a request.

use tollgate_counting::rate::Quota;

/// Quotas of the descriptors of a request, if the service reports them. A single one, the usual case, needs
/// no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quotas(Inner);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Inner {
    #[default]
    None,
    One([Option<Quota>; 1]),
    Many(Vec<Option<Quota>>),
}

impl core::ops::Deref for Quotas {
    type Target = [Option<Quota>];

    fn deref(&self) -> &[Option<Quota>] {
        match &self.0 {
            Inner::None => &[],
            Inner::One(one) => one,
            Inner::Many(many) => many,
        }
    }
}

impl FromIterator<Option<Quota>> for Quotas {
    fn from_iter<I: IntoIterator<Item = Option<Quota>>>(quotas: I) -> Self {
        let mut quotas = quotas.into_iter();
        let Some(first) = quotas.next() else { return Self::default() };
        let Some(second) = quotas.next() else { return Self(Inner::One([first])) };
        Self(Inner::Many([first, second].into_iter().chain(quotas).collect()))
    }
}
