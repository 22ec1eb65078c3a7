//! Authorization by the rbac filter: finds its configuration in a file, and explains its decisions.

pub mod load;
pub mod request;
pub mod sample;
pub mod select;
pub mod show;
pub mod table;
