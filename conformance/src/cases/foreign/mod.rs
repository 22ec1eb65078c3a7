//! Foreign functions.

mod calls;
mod expressions;
mod filter_state;
mod signatures;
mod zlib;

use crate::case::Loaded;
use crate::{Case, Sheet};

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let mut sheets = vec![
        Sheet::new("signatures", signatures::cases()),
        Sheet::new("foreign functions", [calls::cases(), zlib::cases()].concat()),
        Sheet::new("filter state of Envoy's own", filter_state::cases())
            .filters(vec![Loaded::new("first"), Loaded::new("second")]),
    ];
    sheets.extend(expressions::sheets());
    sheets
}

fn case(name: &str, title: &str) -> Case {
    Case::new(format!("foreign/{name}"), title)
}
