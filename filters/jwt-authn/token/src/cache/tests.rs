use super::*;
use proptest::prelude::*;
use std::collections::{HashMap, VecDeque};

const SEED: [u8; 16] = [7; 16];
const NOW: UnixNanos = UnixNanos(1_000);
const PLENTY: Bounds = Bounds { entries: 1000, bytes: 1 << 20, token_bytes: 4096 };

fn cache<V>(bounds: Bounds) -> TokenCache<V> {
    TokenCache::new(bounds, SEED)
}

fn put(cache: &mut TokenCache<u32>, token: &[u8], value: u32) -> bool {
    cache.insert(0, token, value, 0, None, NOW)
}

#[test]
fn a_token_is_found_by_its_whole_text_and_provider() {
    let mut cache = cache(PLENTY);
    let token = vec![b'a'; 1025];
    assert!(put(&mut cache, &token, 1));
    assert_eq!(cache.get(0, &token, NOW), Some(&1));
    assert_eq!(cache.get(1, &token, NOW), None, "another provider");
    for at in [0, 15, 16, 1023, 1024] {
        let mut other = token.clone();
        other[at] = b'b';
        assert_eq!(cache.get(0, &other, NOW), None, "differs at {at}");
    }
    assert_eq!(cache.get(0, &token[..1024], NOW), None);
    assert_eq!(cache.get(0, b"", NOW), None);
    assert_eq!(cache.remove(0, &token), Some(1));
    assert_eq!((cache.get(0, &token, NOW).copied(), cache.len(), cache.bytes()), (None, 0, 0));
}

#[test]
fn tokens_of_the_same_hash_are_told_apart() {
    let mut cache = cache::<u32>(Bounds { entries: 1, ..PLENTY });
    assert!(put(&mut cache, b"one", 1));
    // There is only one bucket, as if `two` had the hash of `one`.
    let hash = cache.table.hash(0, b"one");
    assert_eq!(cache.find(hash, 0, b"two"), None);
    assert!(cache.find(hash, 0, b"one").is_some());
}

#[test]
fn another_seed_is_another_hash() {
    let of = |seed| Table::new(8, seed).hash(0, b"a token");
    let mut seeds: Vec<[u8; 16]> = vec![[0; 16], [1; 16]];
    seeds.extend([3, 12].map(|at| std::array::from_fn(|i| u8::from(i == at))));
    let hashes: std::collections::BTreeSet<_> = seeds.iter().map(|seed| of(*seed)).collect();
    assert_eq!(hashes.len(), seeds.len());
    assert_eq!(of(SEED), of(SEED));
}

#[test]
fn an_entry_is_over_at_its_time_and_is_then_gone() {
    let mut cache = cache(PLENTY);
    assert!(cache.insert(0, b"t", 1, 0, Some(UnixNanos(1_001)), NOW));
    assert_eq!(cache.get(0, b"t", NOW), Some(&1));
    assert_eq!(cache.get(0, b"t", UnixNanos(1_001)), None);
    assert_eq!(cache.len(), 0);
    assert!(!cache.insert(0, b"t", 1, 0, Some(NOW), NOW), "expired before it is cached");
}

#[test]
fn what_is_known_is_replaced() {
    let mut cache = cache(PLENTY);
    put(&mut cache, b"t", 1);
    put(&mut cache, b"t", 2);
    assert_eq!((cache.get(0, b"t", NOW).copied(), cache.len()), (Some(2), 1));
    // Also if the new value is not cached.
    assert!(!cache.insert(0, b"t", 3, usize::MAX, None, NOW));
    assert_eq!(cache.get(0, b"t", NOW), None);
}

#[test]
fn what_is_too_long_or_too_heavy_is_not_kept() {
    let mut small = cache(Bounds { token_bytes: 8, ..PLENTY });
    assert!(put(&mut small, b"12345678", 1) && !put(&mut small, b"123456789", 2));
    assert_eq!(small.get(0, b"123456789", NOW), None);
    assert!(!small.insert(0, b"heavy", 1, PLENTY.bytes, None, NOW));
    for bounds in [Bounds { entries: 0, ..PLENTY }, Bounds { bytes: 10, ..PLENTY }] {
        let mut none = cache(bounds);
        assert!(!put(&mut none, b"t", 1));
        assert_eq!((none.get(0, b"t", NOW).copied(), none.len()), (None, 0));
    }
}

#[test]
fn a_flood_of_new_tokens_does_not_evict_repeated_ones() {
    let mut cache = cache(Bounds { entries: 100, ..PLENTY });
    for known in 0..50u32 {
        put(&mut cache, &known.to_be_bytes(), known);
    }
    for known in 0..50u32 {
        assert!(cache.get(0, &known.to_be_bytes(), NOW).is_some());
    }
    for once in 1_000..101_000u32 {
        put(&mut cache, &once.to_be_bytes(), once);
    }
    let left = (0..50u32).filter(|known| cache.get(0, &known.to_be_bytes(), NOW).is_some()).count();
    assert_eq!((left, cache.len()), (50, 100));
}

#[test]
fn evicts_expired_entries_first() {
    let mut cache = cache(Bounds { entries: 3, ..PLENTY });
    for (token, expires) in [(b"a", None), (b"b", Some(UnixNanos(2_000))), (b"c", None)] {
        cache.insert(0, token, 1, 0, expires, NOW);
        assert!(cache.get(0, token, NOW).is_some());
    }
    cache.insert(0, b"d", 1, 0, None, UnixNanos(3_000));
    let left: Vec<_> = [b"a", b"b", b"c", b"d"].map(|t| cache.get(0, t, NOW).is_some()).into();
    assert_eq!(left, [true, false, true, true]);
}

#[test]
fn an_insertion_passes_a_limited_number_of_entries() {
    let mut cache = cache(Bounds { entries: 10_000, bytes: usize::MAX, token_bytes: 16 });
    for i in 0..10_000u32 {
        put(&mut cache, &i.to_be_bytes(), i);
        cache.get(0, &i.to_be_bytes(), NOW);
    }
    put(&mut cache, b"new", 1);
    let passed = cache.slots.iter().flatten().filter(|entry| !entry.visited).count();
    assert_eq!(passed, MAX_PASSED + 1, "and the new one");
}

#[test]
fn slots_are_used_again() {
    let mut cache = cache(Bounds { entries: 10, ..PLENTY });
    for i in 0..10_000u32 {
        put(&mut cache, &i.to_be_bytes(), i);
        if i % 3 == 0 {
            cache.remove(0, &i.to_be_bytes());
        }
    }
    assert!(cache.slots.len() <= 10 && cache.slots.capacity() <= 16);
}

#[test]
fn clearing_leaves_a_cache_that_works() {
    let mut cache = cache(PLENTY);
    put(&mut cache, b"a", 1);
    cache.clear();
    assert_eq!((cache.get(0, b"a", NOW).copied(), cache.len(), cache.bytes()), (None, 0, 0));
    assert!(put(&mut cache, b"a", 2));
    assert_eq!(cache.get(0, b"a", NOW), Some(&2));
}

#[test]
fn the_default_configuration_holds_a_thousand_tokens() {
    let bounds = Bounds::new(1000, 4096);
    assert_eq!(bounds, Bounds { entries: 1000, bytes: 4_096_000, token_bytes: 4096 });
    assert!(!put(&mut cache(Bounds::new(0, 4096)), b"t", 1));
}

#[derive(Clone, Debug)]
enum Step {
    Insert { provider: u32, token: u8, weight: usize, life: u64 },
    Get { provider: u32, token: u8 },
    Remove { provider: u32, token: u8 },
    Wait(u64),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || (0..2u32, 0..40u8);
    let insert = (key(), 0..400usize, 1..60u64).prop_map(|((provider, token), weight, life)| Step::Insert {
        provider,
        token,
        weight,
        life,
    });
    let step = prop_oneof![
        8 => insert,
        8 => key().prop_map(|(provider, token)| Step::Get { provider, token }),
        2 => key().prop_map(|(provider, token)| Step::Remove { provider, token }),
        2 => (1..20u64).prop_map(Step::Wait),
        1 => Just(Step::Clear),
    ];
    proptest::collection::vec(step, 0..300)
}

/// Texts with lengths around the compared pieces; many differ only in one byte.
fn text(token: u8) -> Vec<u8> {
    let mut text = vec![b'.'; usize::from(token / 3) * 4];
    text.push(token % 3);
    text
}

/// SIEVE as in its paper, with a queue. Without the limit of passed entries, which is never reached here.
#[derive(Default)]
struct Model {
    /// Keys with their visited flags, oldest first.
    queue: VecDeque<((u32, u8), bool)>,
    hand: Option<(u32, u8)>,
    known: HashMap<(u32, u8), (u32, usize, u64)>,
}

impl Model {
    fn bytes(&self) -> usize {
        self.known
            .iter()
            .map(|((_, token), (_, weight, _))| bytes_of::<u32>(text(*token).len(), *weight))
            .sum()
    }

    fn take(&mut self, key: (u32, u8)) {
        self.known.remove(&key);
        if let Some(at) = self.queue.iter().position(|(k, _)| *k == key) {
            self.queue.remove(at);
            if self.hand == Some(key) {
                self.hand = self.queue.get(at).map(|(k, _)| *k);
            }
        }
    }

    fn evict(&mut self, now: u64) {
        let mut at = self.hand.and_then(|hand| self.queue.iter().position(|(k, _)| *k == hand)).unwrap_or(0);
        while self.queue[at].1 && self.known[&self.queue[at].0].2 > now {
            self.queue[at].1 = false;
            at = (at + 1) % self.queue.len();
        }
        let key = self.queue[at].0;
        self.hand = Some(key);
        self.take(key);
    }
}

proptest! {
    #[test]
    fn behaves_like_the_model(steps in steps(), entries in 0..30usize, bytes in 0..6_000usize) {
        let mut cache = cache::<u32>(Bounds { entries, bytes, token_bytes: 48 });
        let mut model = Model::default();
        let mut now = 1;
        for (value, step) in (0u32..).zip(steps) {
            match step {
                Step::Insert { provider, token, weight, life } => {
                    let text = text(token);
                    let size = bytes_of::<u32>(text.len(), weight);
                    model.take((provider, token));
                    let kept = text.len() <= 48 && size <= bytes && entries > 0;
                    if kept {
                        while model.known.len() >= entries || model.bytes() + size > bytes {
                            model.evict(now);
                        }
                        model.queue.push_back(((provider, token), false));
                        model.known.insert((provider, token), (value, weight, now + life));
                    }
                    let expires = Some(UnixNanos(now + life));
                    prop_assert_eq!(cache.insert(provider, &text, value, weight, expires, UnixNanos(now)), kept);
                }
                Step::Get { provider, token } => {
                    let key = (provider, token);
                    if model.known.get(&key).is_some_and(|(_, _, expires)| *expires <= now) {
                        model.take(key);
                    }
                    for (_, visited) in model.queue.iter_mut().filter(|(k, _)| *k == key) {
                        *visited = true;
                    }
                    let expected = model.known.get(&key).map(|(value, _, _)| *value);
                    prop_assert_eq!(cache.get(provider, &text(token), UnixNanos(now)).copied(), expected);
                }
                Step::Remove { provider, token } => {
                    let expected = model.known.get(&(provider, token)).map(|(value, _, _)| *value);
                    model.take((provider, token));
                    prop_assert_eq!(cache.remove(provider, &text(token)), expected);
                }
                Step::Wait(ticks) => now += ticks,
                Step::Clear => {
                    model = Model::default();
                    cache.clear();
                }
            }
            prop_assert_eq!((cache.len(), cache.bytes()), (model.known.len(), model.bytes()));
            prop_assert!(cache.len() <= entries && cache.bytes() <= bytes);
        }
    }
}
