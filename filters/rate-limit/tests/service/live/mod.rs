//! Tests with real Envoys, a real service and real time.

mod clients;
mod failures;
mod native;
mod proxy;
mod two_envoys;
