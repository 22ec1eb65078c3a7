//! TBD claims
