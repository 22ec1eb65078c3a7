//! The flow of a stream: what pauses it, what continues it, and what ends it.

mod close;
mod limits;
mod messages;
mod resume;
mod returns;
mod shapes;
mod trailers;
mod wire;

pub(in crate::cases) use messages::odd_responses;

use crate::Sheet;

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    [
        returns::sheets(),
        resume::sheets(),
        limits::sheets(),
        close::sheets(),
        trailers::sheets(),
        shapes::sheets(),
        wire::sheets(),
        messages::sheets(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
