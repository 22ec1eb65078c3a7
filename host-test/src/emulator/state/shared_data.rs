//! Shared data: `proxy-wasm-cpp-host`, `src/shared_data.cc`.
//!
//! Each `vm_id` has its own map. The empty `vm_id` is a namespace like any other: all plugins without a
//! `vm_id` share it. Entries can be neither deleted nor listed.

use super::Status;
use std::collections::HashMap;

type Entries = HashMap<Vec<u8>, (Vec<u8>, u32)>;

/// Values that filters share, each with the number of its last change.
#[derive(Clone, Debug, Default)]
pub struct SharedData {
    namespaces: HashMap<String, Entries>,
    /// The `cas` of the latest change. One counter for all keys of all namespaces.
    latest: u32,
}

impl SharedData {
    /// Returns the value of a key and its `cas`, which is never zero.
    pub fn get(&self, vm_id: &str, key: &[u8]) -> Option<(Vec<u8>, u32)> {
        self.namespaces.get(vm_id)?.get(key).cloned()
    }

    /// Sets a key if its current `cas` equals the given one. Zero sets it unconditionally.
    ///
    /// If the key does not exist, any `cas` is accepted. If the key has changed, returns
    /// [`Status::CasMismatch`] and changes nothing.
    pub fn set(&mut self, vm_id: &str, key: &[u8], value: Vec<u8>, cas: u32) -> Status {
        let entries = self.namespaces.entry(vm_id.to_owned()).or_default();
        if let Some((_, current)) = entries.get(key)
            && cas != 0
            && cas != *current
        {
            return Status::CasMismatch;
        }
        // Zero means "no condition", so the counter skips it when it wraps around.
        self.latest = self.latest.checked_add(1).unwrap_or(1);
        entries.insert(key.to_vec(), (value, self.latest));
        Status::Ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decides_by_cas_as_the_table_says() {
        // (the key exists, cas: none / current / other, expected status)
        let table = [
            (false, "none", Status::Ok),
            (false, "other", Status::Ok),
            (true, "none", Status::Ok),
            (true, "current", Status::Ok),
            (true, "other", Status::CasMismatch),
        ];
        for (exists, cas, expected) in table {
            let mut data = SharedData::default();
            if exists {
                data.set("vm", b"key", b"old".to_vec(), 0);
            }
            let current = data.get("vm", b"key").map_or(0, |(_, cas)| cas);
            let cas = match cas {
                "none" => 0,
                "current" => current,
                _ => current + 77,
            };
            assert_eq!(data.set("vm", b"key", b"new".to_vec(), cas), expected, "exists={exists} cas={cas}");
            let value = data.get("vm", b"key").unwrap().0;
            assert_eq!(value, if expected == Status::Ok { b"new" } else { b"old" });
        }
    }

    #[test]
    fn counts_changes_across_keys_and_namespaces() {
        let mut data = SharedData::default();
        data.set("a", b"k", vec![], 0);
        data.set("b", b"k", vec![], 0);
        data.set("a", b"other", vec![], 0);
        assert_eq!(data.get("a", b"k"), Some((vec![], 1)));
        assert_eq!(data.get("b", b"k"), Some((vec![], 2)));
        assert_eq!(data.get("a", b"other"), Some((vec![], 3)));
    }

    #[test]
    fn keeps_namespaces_apart_and_the_empty_one_too() {
        let mut data = SharedData::default();
        data.set("", b"k", b"shared".to_vec(), 0);
        assert_eq!(data.get("vm", b"k"), None);
        assert_eq!(data.get("", b"k").unwrap().0, b"shared");
    }

    #[test]
    fn never_hands_out_a_cas_of_zero() {
        let mut data = SharedData { latest: u32::MAX, ..SharedData::default() };
        data.set("", b"k", vec![], 0);
        assert_eq!(data.get("", b"k").unwrap().1, 1);
    }

    proptest! {
        #[test]
        fn gives_one_of_two_writers_the_same_cas_a_mismatch(first: Vec<u8>, second: Vec<u8>, earlier in 0usize..5) {
            let mut data = SharedData::default();
            for _ in 0..=earlier {
                data.set("vm", b"k", b"base".to_vec(), 0);
            }
            let (_, cas) = data.get("vm", b"k").unwrap();
            prop_assert_eq!(data.set("vm", b"k", first.clone(), cas), Status::Ok);
            prop_assert_eq!(data.set("vm", b"k", second, cas), Status::CasMismatch);
            prop_assert_eq!(data.get("vm", b"k").unwrap().0, first);
        }
    }
}
