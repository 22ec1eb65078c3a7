//! The table. A file for each area of the ABI; `docs/abi.md` is its index.

pub mod buffers;
pub mod callouts;
pub mod chains;
pub mod failure;
pub mod flow;
pub mod foreign;
pub mod grpc;
pub mod headers;
pub mod lifecycle;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod parts;
pub mod properties;
pub mod queues;
pub mod replies;
pub mod shared_data;
pub mod time;
pub mod wasi;

use crate::Sheet;

/// Every sheet.
pub fn all() -> Vec<Sheet> {
    [
        headers::sheets(),
        buffers::sheets(),
        properties::sheets(),
        foreign::sheets(),
        shared_data::sheets(),
        queues::sheets(),
        metrics::sheets(),
        log::sheets(),
        time::sheets(),
        memory::sheets(),
        wasi::sheets(),
        flow::sheets(),
        grpc::sheets(),
        replies::sheets(),
        callouts::sheets(),
        failure::sheets(),
        chains::sheets(),
        lifecycle::sheets(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What cannot be run on Envoy from a test: what, why, and the test that proves it on the emulator.
pub const EMULATOR_ONLY: &[(&str, &str, &str)] = &[];
