//! Reads the histograms of the filters from Envoy.
//!
//! The threads of Envoy record values on their own. A flush of the statistics merges them. A flush has seen
//! all values that were recorded before it began, so the runner waits until one has begun after the run. It
//! knows that from the admin interface: the main thread, on which a flush begins, records the length of each
//! of its connections.

use super::admin;
use super::run::{Run, RunError};
use crate::Histogram;
use std::collections::BTreeMap;

const PREFIX: &str = "wasmcustom.";
const OF_FILTERS: &str = "^wasmcustom\\.";
const OPENED: &str = "http.admin.downstream_cx_total";
const LENGTHS: &str = "http.admin.downstream_cx_length_ms";

impl Run<'_> {
    /// Returns the histograms of the filters, with all values recorded so far.
    pub fn histograms(&self) -> Result<BTreeMap<String, Histogram>, RunError> {
        let read = |pattern: &str| self.admin(admin::histograms(self.envoy.admin(), pattern));
        if read(OF_FILTERS)?.is_empty() {
            return Ok(BTreeMap::new());
        }
        let opened = self.admin(self.envoy.stats_matching("^http\\.admin\\.downstream_cx_total$"))?;
        let opened = opened.get(OPENED).copied().unwrap_or_default();
        let mut found = BTreeMap::new();
        self.wait_for("the histograms", || {
            found = read("^wasmcustom\\.|^http\\.admin\\.downstream_cx_length_ms$")?;
            Ok(found.get(LENGTHS).is_some_and(|lengths| lengths.count() >= opened))
        })?;
        let own = found.into_iter();
        Ok(own.filter_map(|(name, h)| Some((name.strip_prefix(PREFIX)?.to_owned(), h))).collect())
    }
}
