//! TBD extract
