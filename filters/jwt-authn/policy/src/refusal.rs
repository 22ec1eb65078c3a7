//! TBD refusal
