//! Many keys in bounded memory that all workers share.
//!
//! A table is a fixed number of pages of [`PAGE_BYTES`], each a set of [`WAYS`] entries; a key's hash says which page it is
//! in, and all rates of a limit for one key are in one page, so that they change in one atomic step. Nothing that shared
//! data holds can be deleted, so a full page has to give one up: the entry that is nearest to owing nothing. Entries that
//! owe nothing are given up without anybody noticing; what else is lost is counted.
//!
//! A tag is a keyed hash of the limit, its numbers and the key. The key of the hash is random and shared by all workers, so
//! clients cannot find out who shares their page. When a limit's numbers change its tags change too: what an older
//! configuration kept is never read by other rules, and ages out.

mod page;
mod place;
mod step;

pub use page::{Entry, PAGE_BYTES, Page, WAYS};
pub use place::{KeyHasher, Place, Placer};
pub use step::{Outcome, Step};
