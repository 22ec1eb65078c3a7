//! Records in shared memory: a version, and entries of a fixed length.
//!
//! A record of another form comes from another version, or from another program, and is read as empty.

const VERSION: u8 = 1;

/// Returns the entries of a record.
pub(super) fn read<const N: usize>(record: &[u8]) -> impl Iterator<Item = &[u8; N]> {
    let entries = match record.split_first() {
        Some((&VERSION, entries)) if entries.len() % N == 0 => entries,
        _ => &[],
    };
    entries.as_chunks().0.iter()
}

/// Passes each entry to `change`, and removes those for which it returns `false`. Works in place.
pub(super) fn update<const N: usize>(record: &mut Vec<u8>, mut change: impl FnMut(&mut [u8; N]) -> bool) {
    if read::<N>(record).next().is_none() {
        record.clear();
        return;
    }
    let Some((_, entries)) = record.split_first_mut() else { return };
    let (entries, _) = entries.as_chunks_mut::<N>();
    let mut kept = 0;
    for index in 0..entries.len() {
        let Some(entry) = entries.get_mut(index) else { break };
        if change(entry) {
            entries.swap(kept, index);
            kept += 1;
        }
    }
    record.truncate(if kept == 0 { 0 } else { 1 + kept * N });
}

/// Adds an entry to a record after an [`update`].
pub(super) fn push<const N: usize>(record: &mut Vec<u8>, entry: [u8; N]) {
    if record.is_empty() {
        record.push(VERSION);
    }
    record.extend_from_slice(&entry);
}
