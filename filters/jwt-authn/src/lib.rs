//! JSON Web Token authentication. All decisions are in `tollgate-jwt-authn-policy`. This crate reads the
//! inputs of the policy, verifies signatures with the host's help, fetches keys and carries out decisions.

mod fetch;
mod filter;
mod statistics;
mod world;

pub use filter::JwtAuthn;
