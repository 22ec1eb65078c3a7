//! Selection of the override for a key.
//!
//! The first override whose conditions all match applies. There may be ten thousand of them, one for each
//! customer, so overrides for one exact value or one network are looked up. Only the others are tried one
//! after another, and of these only those that precede the override that was found.

use super::{NamedRates, Override, Value, ValueMatch};
use std::net::IpAddr;
use tollgate_policy::{Cidr, Places};

/// Overrides of a limit, in their order.
#[derive(Debug, Default)]
pub struct Overrides {
    list: Vec<Override>,
    /// Overrides with a condition on one exact value or one network, and no other condition.
    named: Vec<Named>,
    /// Indices of all other overrides.
    others: Vec<usize>,
}

/// Overrides with the same kind of condition on the same entry.
#[derive(Debug)]
struct Named {
    /// Index of the entry.
    entry: usize,
    asked: Asked,
    /// Indices of the overrides, by value.
    places: Places,
}

/// Kind of a condition, which determines the part of a value to look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Text,
    V4 { mask: u32 },
    V6 { mask: u128 },
}

impl Overrides {
    /// Builds the index of the overrides of a limit.
    pub fn new(list: Vec<Override>) -> Self {
        let mut all = Self::default();
        for (place, one) in list.iter().enumerate() {
            match one.when.as_slice() {
                [(entry, ValueMatch::Text(matcher))] => match matcher.exact() {
                    Some(text) => all.add(*entry, Asked::Text, text, place),
                    None => all.others.push(place),
                },
                [(entry, ValueMatch::Network(Cidr::V4 { network, mask }))] => {
                    all.add(*entry, Asked::V4 { mask: *mask }, &network.to_be_bytes(), place);
                }
                [(entry, ValueMatch::Network(Cidr::V6 { network, mask }))] => {
                    all.add(*entry, Asked::V6 { mask: *mask }, &network.to_be_bytes(), place);
                }
                _ => all.others.push(place),
            }
        }
        all.list = list;
        all
    }

    fn add(&mut self, entry: usize, asked: Asked, value: &[u8], place: usize) {
        if let Some(known) = self.named.iter_mut().find(|one| (one.entry, one.asked) == (entry, asked)) {
            known.places.add(value, place);
            return;
        }
        let mut places = Places::default();
        places.add(value, place);
        self.named.push(Named { entry, asked, places });
    }

    /// Returns the rates of all overrides.
    pub(crate) fn rates_mut(&mut self) -> impl Iterator<Item = &mut NamedRates> {
        self.list.iter_mut().map(|one| &mut one.rates)
    }

    /// Returns all overrides, in their order.
    pub fn list(&self) -> &[Override] {
        &self.list
    }

    /// Returns the index of the first override that matches these values, which are in the order of the
    /// limit's actions.
    pub(crate) fn find(&self, values: &[Option<Value<'_>>]) -> Option<usize> {
        let value = |entry: usize| values.get(entry)?.as_ref();
        let named = self.named.iter().filter_map(|named| named.find(value(named.entry)?));
        let named = named.min().unwrap_or(usize::MAX);
        let mut before = self.others.iter().copied().take_while(|place| *place < named);
        let other = before.find(|place| {
            let conditions = self.list.get(*place).map(|one| one.when.as_slice()).unwrap_or_default();
            conditions.iter().all(|(entry, condition)| match (value(*entry), condition) {
                (Some(value), ValueMatch::Text(matcher)) => matcher.matches(&value.raw()),
                (Some(value), ValueMatch::Network(network)) => {
                    value.address().is_some_and(|address| network.contains(address))
                }
                (None, _) => false,
            })
        });
        other.or((named != usize::MAX).then_some(named))
    }
}

impl Named {
    fn find(&self, value: &Value<'_>) -> Option<usize> {
        match self.asked {
            Asked::Text => self.places.first(&value.raw()),
            Asked::V4 { mask } => {
                let IpAddr::V4(address) = value.address()? else { return None };
                self.places.first(&(address.to_bits() & mask).to_be_bytes())
            }
            Asked::V6 { mask } => {
                let IpAddr::V6(address) = value.address()? else { return None };
                self.places.first(&(address.to_bits() & mask).to_be_bytes())
            }
        }
    }
}

#[cfg(test)]
impl Overrides {
    pub(crate) fn tried_in_turn(&self) -> usize {
        self.others.len()
    }
}
