//! TBD revocation
