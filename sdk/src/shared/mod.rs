//! State that all workers of an Envoy share: typed cells, tables of pages, and records of variable length.
//! All are updated with compare and swap, with a bounded number of attempts.
//!
//! Shared data has one namespace per `vm_id`. Istio leaves `vm_id` empty for every plugin, so each key begins
//! with the name of the plugin or with a hash of it. Values cannot be deleted, so keys must not contain user
//! data. Shared data outlives VMs and configurations: another version of the filter may have written what a
//! filter reads.
//!
//! | type | use for | cost of an update |
//! |---|---|---|
//! | [`Cell`] | a few typed values | a get and a set |
//! | [`Pages`] | many numbers that change with each request | a set; with several busy workers, also a get |
//! | [`Records`] | values that grow and shrink | a get and a set |

mod cell;
mod key;
mod numbers;
mod pages;
mod records;
mod store;
#[cfg(test)]
mod tests;

pub use cell::Cell;
pub use pages::Pages;
pub use records::Records;
pub use tollgate_types::Record;
