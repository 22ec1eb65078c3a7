//! State that all workers of an Envoy share: typed cells, tables of pages, and records of any length, each changed by a
//! bounded compare-and-swap.
//!
//! Shared data has one namespace for each `vm_id`, and Istio leaves that empty for every plugin, so each key starts
//! with the plugin's name, or with a hash of it. Nothing can ever be deleted from it: keys must not hold user data. It
//! outlives a VM and a configuration, so what is read may have been written by another version of the filter.
//!
//! | what | for | one update costs |
//! |---|---|---|
//! | [`Cell`] | a few values with types | a get and a set |
//! | [`Pages`] | many numbers, changed with each request | mostly a set alone |
//! | [`Records`] | what grows and shrinks | a get and a set |

mod cell;
mod key;
#[cfg(test)]
mod model;
mod numbers;
mod pages;
mod records;
mod store;

pub use cell::{Cell, Record};
pub use pages::Pages;
pub use records::Records;
