//! Which override is about a key.
//!
//! The first whose conditions all hold is. There may be ten thousand of them, one for each customer, so those that name
//! one exact value, or one network, are found by it; only the others are tried in turn, and of them only those that come
//! before what was found.

use super::value::Value;
use crate::plan::{Override, ValueMatch};
use std::net::IpAddr;
use tollgate_policy::{Cidr, Places};

/// The overrides of a limit, in their order.
#[derive(Debug, Default)]
pub struct Overrides {
    list: Vec<Override>,
    /// Those that ask for one value and nothing else.
    named: Vec<Named>,
    /// All others.
    others: Vec<usize>,
}

/// Overrides that ask the same of the same entry.
#[derive(Debug)]
struct Named {
    /// The entry's index.
    entry: usize,
    asked: Asked,
    /// Where they are, by the value.
    places: Places,
}

/// What of a value is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Text,
    V4 { mask: u32 },
    V6 { mask: u128 },
}

impl Overrides {
    /// Of a limit.
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

    /// All of them, in their order.
    pub fn list(&self) -> &[Override] {
        &self.list
    }

    /// The first that is about these values, of the limit's actions in their order, as an index of the list.
    pub(super) fn find(&self, values: &[Option<Value<'_>>]) -> Option<usize> {
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
    pub(super) fn tried_in_turn(&self) -> usize {
        self.others.len()
    }
}
