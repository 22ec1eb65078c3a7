//! HTTP callouts.

mod answers;
mod order;
mod requests;

use crate::Sheet;

/// The sheets.
pub fn sheets() -> Vec<Sheet> {
    [requests::sheets(), answers::sheets(), order::sheets()].into_iter().flatten().collect()
}
