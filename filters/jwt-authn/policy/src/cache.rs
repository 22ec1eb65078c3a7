//! TBD cache
