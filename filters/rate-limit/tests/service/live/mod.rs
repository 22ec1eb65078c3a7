//! Real Envoys, a real service, real time.

mod clients;
mod failures;
mod native;
mod proxy;
mod two_envoys;
