//! TBD results
