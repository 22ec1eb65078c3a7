//! Which rules to ask.

use super::keys::{Must, of_host, of_path};
use super::texts::{Starts, Texts};
use crate::{RequestFacts, RequestMatch};
use std::collections::{BTreeMap, BTreeSet};

/// Under how many pairs of a host and a path a rule is kept at most; one with more is kept under its paths alone.
const MOST_PAIRS: usize = 256;

/// A part of what a rule is kept under. Numbers are places in the lists of texts and segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Anything,
    Whole(usize),
    Start(usize),
    Segment(usize),
}

/// Rules, by their place, under what requests must have.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// Backwards.
    hosts: Texts,
    paths: Texts,
    /// In order.
    segments: Vec<(usize, Box<[u8]>)>,
    /// No segment behind it is in `segments`.
    last_segment: usize,
    /// In the order of their keys.
    kept: Vec<Kept>,
}

/// Rules, in their order, for requests that have a host and a path.
#[derive(Clone, Debug)]
struct Kept {
    keys: (Key, Key),
    rules: Box<[usize]>,
}

impl Index {
    pub(super) fn new<'r>(rules: impl Iterator<Item = &'r RequestMatch>) -> Self {
        let rules: Vec<_> = rules.map(Wanted::of).collect();
        // Of several things that a path must have, the one that fewest rules ask for tells most.
        let mut common: BTreeMap<&Must, usize> = BTreeMap::new();
        for must in rules.iter().flat_map(|rule| &rule.paths).flatten() {
            *common.entry(must).or_default() += 1;
        }
        let rarest = |any_of: &'_ Vec<Must>| any_of.iter().min_by_key(|must| common.get(must)).cloned();
        let chosen: Vec<(Vec<Must>, Vec<Must>)> = rules
            .iter()
            .map(|rule| (rule.hosts.clone(), rule.paths.iter().filter_map(rarest).collect()))
            .collect();
        let hosts = Texts::new(texts(chosen.iter().flat_map(|(hosts, _)| hosts)));
        let paths = Texts::new(texts(chosen.iter().flat_map(|(_, paths)| paths)));
        let segments = chosen.iter().flat_map(|(_, paths)| paths).filter_map(|must| match must {
            Must::Have(place, text) => Some((*place, text.clone())),
            Must::Be(_) | Must::BeginWith(_) => None,
        });
        let segments: Vec<_> = segments.collect::<BTreeSet<_>>().into_iter().collect();
        let last_segment = segments.last().map(|(place, _)| *place).unwrap_or_default();
        let mut index = Self { hosts, paths, segments, last_segment, kept: Vec::new() };
        index.keep(&chosen);
        index
    }

    fn keep(&mut self, rules: &[(Vec<Must>, Vec<Must>)]) {
        let mut kept: BTreeMap<(Key, Key), Vec<usize>> = BTreeMap::new();
        for (place, (hosts, paths)) in rules.iter().enumerate() {
            let few = hosts.len().saturating_mul(paths.len().max(1)) <= MOST_PAIRS;
            let hosts = keys(if few { hosts } else { &[] }, |must| key(&self.hosts, &[], must));
            let paths = keys(paths, |must| key(&self.paths, &self.segments, must));
            for host in &hosts {
                for path in &paths {
                    kept.entry((*host, *path)).or_default().push(place);
                }
            }
        }
        self.kept = kept.into_iter().map(|(keys, rules)| Kept { keys, rules: rules.into() }).collect();
    }

    /// How many places are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.iter().map(|kept| kept.rules.len()).sum()
    }

    /// The first rule that matches of those that may.
    pub(super) fn first(&self, facts: &RequestFacts<'_>, matches: impl Fn(usize) -> bool) -> Option<usize> {
        let host = facts.host();
        let backwards = || host.iter().rev().map(u8::to_ascii_lowercase);
        let hosts = self.hosts.starts(
            |text| text.iter().copied().cmp(backwards()),
            |text| text.iter().copied().zip(backwards()).take_while(|(a, b)| a == b).count(),
            host.len(),
        );
        let path = facts.path_only();
        let paths = self.paths.starts(
            |text| text.cmp(path),
            |text| text.iter().zip(path).take_while(|(a, b)| a == b).count(),
            path.len(),
        );
        let mut first = None;
        let mut ask = |path: Key| {
            for host in keys_of(hosts.clone()) {
                let rules = self.kept.binary_search_by(|kept| kept.keys.cmp(&(host, path)));
                let rules = rules.ok().and_then(|found| self.kept.get(found));
                let rules = rules.into_iter().flat_map(|kept| &kept.rules).copied();
                let sooner = rules.take_while(|rule| first.is_none_or(|first| *rule < first));
                first = { sooner }.find(|rule| matches(*rule)).or(first);
            }
        };
        keys_of(paths).for_each(&mut ask);
        if !self.segments.is_empty()
            && let Some(path) = path.strip_prefix(b"/")
        {
            let segments = path.split(|byte| *byte == b'/').take(self.last_segment + 1);
            for (place, segment) in segments.enumerate() {
                let found = self.segments.binary_search_by(|(p, text)| (*p, &**text).cmp(&(place, segment)));
                found.into_iter().for_each(|found| ask(Key::Segment(found)));
            }
        }
        first
    }
}

/// What the hosts and the paths of a rule must be; nothing, if one of them can be anything.
struct Wanted {
    hosts: Vec<Must>,
    /// For each path, what it must have, of which one is asked.
    paths: Vec<Vec<Must>>,
}

impl Wanted {
    fn of(condition: &RequestMatch) -> Self {
        let hosts: Option<_> = condition.hosts.iter().map(of_host).collect();
        let paths: Vec<_> = condition.paths.iter().map(of_path).collect();
        let all = paths.iter().all(|any_of| !any_of.is_empty());
        Self { hosts: hosts.unwrap_or_default(), paths: if all { paths } else { Vec::new() } }
    }
}

fn texts<'m>(musts: impl Iterator<Item = &'m Must>) -> BTreeSet<Box<[u8]>> {
    let texts = musts.filter_map(|must| match must {
        Must::Be(text) | Must::BeginWith(text) => Some(text.clone()),
        Must::Have(..) => None,
    });
    texts.collect()
}

fn key(texts: &Texts, segments: &[(usize, Box<[u8]>)], must: &Must) -> Option<Key> {
    match must {
        Must::Be(text) => texts.place(text).map(Key::Whole),
        Must::BeginWith(text) => texts.place(text).map(Key::Start),
        Must::Have(place, text) => {
            let found = segments.binary_search_by(|(p, t)| (*p, &**t).cmp(&(*place, &**text)));
            found.ok().map(Key::Segment)
        }
    }
}

/// The keys of what a rule wants, each once; of nothing, that of anything.
fn keys(musts: &[Must], key: impl Fn(&Must) -> Option<Key>) -> BTreeSet<Key> {
    if musts.is_empty() {
        return BTreeSet::from([Key::Anything]);
    }
    musts.iter().map(|must| key(must).unwrap_or(Key::Anything)).collect()
}

/// The keys that a value has.
fn keys_of(starts: Starts<'_>) -> impl Iterator<Item = Key> {
    let of_texts = starts.flat_map(|(text, whole)| {
        core::iter::once(Key::Start(text)).chain(whole.then_some(Key::Whole(text)))
    });
    core::iter::once(Key::Anything).chain(of_texts)
}
