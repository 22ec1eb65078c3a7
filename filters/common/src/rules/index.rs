//! The index that selects the rules to evaluate.

use super::keys::{Must, of_host, of_path, segment_name};
use super::texts::{Starts, Texts};
use crate::{HostMatcher, PathMatcher, Places, RequestMatch, StringMatcher};

/// Maximum number of pairs of a host and a path under which a rule is indexed. A rule with more is indexed by
/// its paths only.
const MOST_PAIRS: usize = 256;

/// One half of an index key: the index of a text or a segment, with its kind in the lowest two bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64);

impl Key {
    const ANYTHING: Self = Self(0);

    fn whole(text: usize) -> Self {
        Self((text as u64) << 2 | 1)
    }

    fn start(text: usize) -> Self {
        Self((text as u64) << 2 | 2)
    }

    fn segment(segment: usize) -> Self {
        Self((segment as u64) << 2 | 3)
    }
}

/// Returns the name of a pair. Names sort like pairs.
fn pair_name(host: Key, path: Key) -> [u8; 16] {
    (u128::from(host.0) << 64 | u128::from(path.0)).to_be_bytes()
}

fn or_anything(keys: &[Key]) -> &[Key] {
    if keys.is_empty() { &[Key::ANYTHING] } else { keys }
}

/// Indices of rules, by the conditions that a request must meet.
#[derive(Clone, Debug)]
pub struct Index {
    /// Hosts, reversed.
    hosts: Texts,
    paths: Texts,
    /// Segments of paths, sorted.
    segments: Vec<(usize, Box<[u8]>)>,
    /// The largest index of a segment in `segments`.
    last_segment: usize,
    /// Entries of the index, sorted by key.
    kept: Vec<Kept>,
}

/// An entry of the index: the rules, in order, for a pair of a host and a path.
#[derive(Clone, Debug)]
struct Kept {
    keys: (Key, Key),
    rules: Box<[usize]>,
}

impl Index {
    /// Builds the index of a list of rules, each with alternatives, one of which a request must meet. A rule
    /// without alternatives never matches.
    pub fn new(rules: &[Vec<Wanted>]) -> Self {
        let alternatives =
            || rules.iter().enumerate().flat_map(|(place, rule)| rule.iter().map(move |w| (place, w)));
        // If a path has several conditions, the one that the fewest rules share is the most selective.
        let mut common = Places::default();
        for (place, wanted) in alternatives() {
            for must in wanted.paths.iter().flatten() {
                common.add(&must.name(), place);
            }
        }
        let mut chosen = Vec::new();
        let (mut hosts, mut paths, mut segments) = <(Places, Places, Places)>::default();
        for (place, wanted) in alternatives() {
            let mut of_paths = Vec::new();
            for any_of in &wanted.paths {
                let rarest = any_of.iter().min_by_key(|must| common.get(&must.name()).len());
                of_paths.extend(rarest);
            }
            for must in &wanted.hosts {
                add(must, place, &mut hosts, &mut segments);
            }
            for must in &of_paths {
                add(must, place, &mut paths, &mut segments);
            }
            chosen.push((place, wanted.hosts.as_slice(), of_paths));
        }
        let mut list = Vec::new();
        for (name, _) in segments.iter() {
            if let Some((place, text)) = name.split_first_chunk() {
                list.push((usize::from_be_bytes(*place), text.into()));
            }
        }
        let mut index = Self {
            hosts: Texts::new(&hosts),
            paths: Texts::new(&paths),
            last_segment: list.last().map(|(place, _)| *place).unwrap_or_default(),
            segments: list,
            kept: Vec::new(),
        };
        index.keep(&chosen);
        index
    }

    fn keep(&mut self, alternatives: &[(usize, &[Must], Vec<&Must>)]) {
        let mut kept = Places::default();
        for (place, of_hosts, of_paths) in alternatives {
            let few = of_hosts.len().saturating_mul(of_paths.len().max(1)) <= MOST_PAIRS;
            let (mut hosts, mut paths) = (Vec::new(), Vec::new());
            for must in of_hosts.iter().filter(|_| few) {
                hosts.push(key(&self.hosts, &self.segments, must));
            }
            for must in of_paths {
                paths.push(key(&self.paths, &self.segments, must));
            }
            for host in or_anything(&hosts) {
                for path in or_anything(&paths) {
                    kept.add(&pair_name(*host, *path), *place);
                }
            }
        }
        for (name, rules) in kept.iter() {
            if let Some((host, path)) = name.split_first_chunk() {
                let path = path.first_chunk().copied().unwrap_or_default();
                let keys = (Key(u64::from_be_bytes(*host)), Key(u64::from_be_bytes(path)));
                self.kept.push(Kept { keys, rules: rules.into() });
            }
        }
    }

    /// Returns the number of indexed rules, counted once per entry.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.iter().map(|kept| kept.rules.len()).sum()
    }

    /// Returns the first rule that matches, out of the candidates for a host, in any case, and a path.
    pub fn first(&self, host: &[u8], path: &[u8], mut matches: impl FnMut(usize) -> bool) -> Option<usize> {
        let backwards = || host.iter().rev().map(u8::to_ascii_lowercase);
        let hosts = self.hosts.starts(
            |text| text.iter().copied().cmp(backwards()),
            |text| text.iter().copied().zip(backwards()).take_while(|(a, b)| a == b).count(),
            host.len(),
        );
        let paths = self.paths.starts(
            |text| text.cmp(path),
            |text| text.iter().zip(path).take_while(|(a, b)| a == b).count(),
            path.len(),
        );
        let mut first = None;
        let mut search = |path: Key| {
            for host in keys_of(hosts.clone()) {
                let rules = self.kept.binary_search_by(|kept| kept.keys.cmp(&(host, path)));
                let rules = rules.ok().and_then(|found| self.kept.get(found));
                let rules = rules.into_iter().flat_map(|kept| &kept.rules).copied();
                let sooner = rules.take_while(|rule| first.is_none_or(|first| *rule < first));
                first = { sooner }.find(|rule| matches(*rule)).or(first);
            }
        };
        keys_of(paths).for_each(&mut search);
        if !self.segments.is_empty()
            && let Some(path) = path.strip_prefix(b"/")
        {
            let segments = path.split(|byte| *byte == b'/').take(self.last_segment + 1);
            for (place, segment) in segments.enumerate() {
                let found = self.segments.binary_search_by(|(p, text)| (*p, &**text).cmp(&(place, segment)));
                found.into_iter().for_each(|found| search(Key::segment(found)));
            }
        }
        first
    }
}

/// Conditions on the host and the path of a request. A list is empty if any host, or any path, can match.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    hosts: Vec<Must>,
    /// Conditions of each path. The index uses one of them.
    paths: Vec<Vec<Must>>,
}

impl Wanted {
    /// Returns the conditions of a [`RequestMatch`].
    pub fn for_match(condition: &RequestMatch) -> Self {
        let hosts = condition.hosts.iter().map(HostMatcher::matcher);
        Self::for_hosts(hosts).and(Self::for_paths(&condition.paths))
    }

    /// Returns the conditions of a host that one of these matchers matches.
    pub fn for_hosts<'m>(matchers: impl Iterator<Item = &'m StringMatcher>) -> Self {
        let mut hosts = Vec::new();
        for matcher in matchers {
            match of_host(matcher) {
                Some(must) => hosts.push(must),
                None => return Self::default(),
            }
        }
        Self { hosts, paths: Vec::new() }
    }

    /// Returns the conditions of a path that one of these matchers matches.
    pub fn for_paths(matchers: &[PathMatcher]) -> Self {
        let mut paths = Vec::new();
        for matcher in matchers {
            paths.push(of_path(matcher));
        }
        if paths.iter().any(Vec::is_empty) {
            paths.clear();
        }
        Self { hosts: Vec::new(), paths }
    }

    /// Returns the conditions of a host that equals one of these texts.
    pub fn for_host_texts(texts: &[Box<[u8]>]) -> Self {
        let hosts =
            texts.iter().map(|text| Must::Be(text.iter().rev().map(u8::to_ascii_lowercase).collect()));
        Self { hosts: hosts.collect(), paths: Vec::new() }
    }

    /// Returns the conditions of a path that equals one of these texts.
    pub fn for_path_texts(texts: &[Box<[u8]>]) -> Self {
        Self { hosts: Vec::new(), paths: texts.iter().map(|text| vec![Must::Be(text.clone())]).collect() }
    }

    /// Returns the conditions of a request that meets both. Of two lists, the shorter one remains: each is
    /// necessary.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { hosts: shorter(self.hosts, other.hosts), paths: shorter(self.paths, other.paths) }
    }

    /// Returns whether any request meets the conditions.
    pub fn is_anything(&self) -> bool {
        self.hosts.is_empty() && self.paths.is_empty()
    }
}

fn shorter<T>(a: Vec<T>, b: Vec<T>) -> Vec<T> {
    if a.is_empty() || (!b.is_empty() && b.len() < a.len()) { b } else { a }
}

fn add(must: &Must, rule: usize, texts: &mut Places, segments: &mut Places) {
    match must {
        Must::Be(text) | Must::BeginWith(text) => texts.add(text, rule),
        Must::Have(place, text) => segments.add(&segment_name(*place, text), rule),
    }
}

fn key(texts: &Texts, segments: &[(usize, Box<[u8]>)], must: &Must) -> Key {
    let key = match must {
        Must::Be(text) => texts.place(text).map(Key::whole),
        Must::BeginWith(text) => texts.place(text).map(Key::start),
        Must::Have(place, text) => {
            let found = segments.binary_search_by(|(p, t)| (*p, &**t).cmp(&(*place, &**text)));
            found.ok().map(Key::segment)
        }
    };
    key.unwrap_or(Key::ANYTHING)
}

/// Returns the keys of a value.
fn keys_of(starts: Starts<'_>) -> impl Iterator<Item = Key> {
    let of_texts = starts
        .flat_map(|(text, whole)| core::iter::once(Key::start(text)).chain(whole.then(|| Key::whole(text))));
    core::iter::once(Key::ANYTHING).chain(of_texts)
}
