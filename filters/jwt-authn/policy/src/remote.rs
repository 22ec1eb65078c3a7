//! TBD remote
