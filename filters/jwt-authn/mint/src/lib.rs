//! Makes keys and tokens, good and bad.
