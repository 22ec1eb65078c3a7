//! A table of many keys in bounded memory that all workers share.
//!
//! A table is a fixed number of pages, each a set of [`WAYS`] entries. A page has up to [`PAGE_BYTES`]: it is
//! stored without the empty entries at its end. The hash of a key selects its page. All rates of a limit for
//! one key are in one page, so that they change in one atomic step. Shared data can never be deleted, so a
//! full page must evict an entry: the one that owes least. Evicting an entry that owes nothing has no effect;
//! other evictions are counted.
//!
//! If a page has more than [`WAYS`] entries that owe something, the one that owes least is lost. Its key may
//! then take again what that entry owed, and no more. No key is ever limited by what another key took. If a
//! key has several rates, the entry of the shortest rate is evicted first. To evict an entry, all others of
//! its page must owe at least as much, and one more key must arrive; keys that took little only evict each
//! other. Debt is measured in time. So entries of short rates are evicted before entries of long ones, and
//! entries of the previous window before entries of the current one.
//!
//! A tag is a keyed hash of the limit, its numbers and the key. The key of the hash is random and shared by
//! all workers, so clients cannot find out which keys share their page. If the numbers of a limit change, its
//! tags change, too. So other rules never read the entries of an older configuration, and these expire.

mod page;
mod place;
mod step;
#[cfg(test)]
mod tests;

pub use page::{ENTRY_BYTES, Entry, PAGE_BYTES, Page, WAYS};
pub use place::{KEYS_PER_PAGE, KeyHasher, Place, Placer, pages_for};
pub use step::{Outcome, Step};
