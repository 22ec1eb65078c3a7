//! Buffers: bodies and configurations.

mod bodies;
mod edits;
mod reach;

use crate::case::Loaded;
use crate::{Case, Sheet};
use std::time::Duration;

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let configured =
        |name| Loaded { vm_configuration: "configuration of the VM".into(), ..Loaded::new(name) };
    vec![
        Sheet::new("buffers in each phase", reach::cases()).filters(vec![configured("probe")]),
        Sheet::new("configurations", reach::configurations()).filters(vec![configured("probe")]),
        Sheet::new("ranges and edits of bodies", edits::cases()),
        Sheet::new("bodies", bodies::cases()),
        Sheet::new("bodies with a wrong length", bodies::wrong_lengths())
            .settings(|settings| settings.route_timeout = Duration::from_secs(1)),
        Sheet::new("bodies in a chain", bodies::chain())
            .filters(vec![Loaded::new("first"), Loaded::new("second")]),
    ]
}

fn case(name: &str, title: impl Into<String>) -> Case {
    Case::new(format!("buffers/{name}").replace('_', "-"), title)
}
