//! JSON Web Token authentication. What is decided and why is in `tollgate-jwt-authn-policy`; this crate reads what the
//! policy needs, verifies with the host's help, fetches keys and carries out what is decided.

mod filter;
mod keys;
mod statistics;
mod world;
