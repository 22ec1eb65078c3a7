//! How a stream flows: what holds it back, what lets it go on, and what ends it.

mod close;
mod limits;
mod resume;
mod returns;
mod shapes;
mod trailers;

use crate::Sheet;

/// The sheets.
pub fn sheets() -> Vec<Sheet> {
    [
        returns::sheets(),
        resume::sheets(),
        limits::sheets(),
        close::sheets(),
        trailers::sheets(),
        shapes::sheets(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
