//! Many keys in bounded memory that all workers share.
//!
//! A table is a fixed number of pages of [`PAGE_BYTES`], each a set of [`WAYS`] entries; a key's hash says which page it is
//! in, and all rates of a limit for one key are in one page, so that they change in one atomic step. Nothing that shared
//! data holds can be deleted, so a full page has to give one up: the entry that is nearest to owing nothing. Entries that
//! owe nothing are given up without anybody noticing; what else is lost is counted.
//!
//! What is lost when a page has more live entries than [`WAYS`]: of all entries of the page, the one that owes least is
//! taken for one that owes nothing. Its key may then take again what that entry owed, and no more; no key is ever limited
//! by what another took. Of a key with several rates it is the entry of the shortest that goes first, and the longer ones
//! hold on. Whoever wants an entry gone needs all others of its page to owe as much, and one key more; keys that took
//! little only drive out each other. Owing is measured in time, so that what a short rate keeps goes before what a long one
//! keeps, and what was taken in the last window before what was taken in this one.
//!
//! A tag is a keyed hash of the limit, its numbers and the key. The key of the hash is random and shared by all workers, so
//! clients cannot find out who shares their page. When a limit's numbers change its tags change too: what an older
//! configuration kept is never read by other rules, and ages out.

mod page;
mod place;
mod step;
#[cfg(test)]
mod tests;

pub use page::{ENTRY_BYTES, Entry, PAGE_BYTES, Page, WAYS};
pub use place::{KEYS_PER_PAGE, KeyHasher, Place, Placer, pages_for};
pub use step::{Outcome, Step};
