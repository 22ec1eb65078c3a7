//! The control endpoint: fetches its document, and ends delays if the document stops all faults.

use crate::filter::{Fault, Worker};
use std::time::Duration;
use tollgate::{Context, Result, Signal, State};
use tollgate_fault_policy::Document;
use tollgate_kit::fetch::{self, Documents};
use tollgate_policy::{HttpUri, UnixNanos};

/// Wakes delayed requests. The document of the control endpoint uses the signal 0.
pub(crate) const STOP: Signal = Signal(1);

/// Interval at which a worker checks whether the control endpoint has stopped all faults.
pub(crate) const CHECK: Duration = Duration::from_millis(500);

impl Worker {
    /// Ends all delays if the control endpoint has stopped all faults.
    pub(crate) fn stop_delays(&self, cx: &mut Context<'_, Fault>) {
        let is_enabled = self.policy.is_enabled(self.documents.ready(0));
        if !is_enabled && let Err(error) = cx.signal(STOP) {
            tollgate::log::error!("cannot end the delays: {error}");
        }
    }
}

impl fetch::Fetcher for Worker {
    type Filter = Fault;
    type Source = HttpUri;
    type Value = Document;

    fn of(filter: &Fault) -> &State<Self> {
        &filter.0
    }

    fn documents(&mut self) -> &mut Documents<HttpUri, Document> {
        &mut self.documents
    }

    fn parse(&mut self, _: usize, text: &[u8], _: UnixNanos) -> Result<Document, String> {
        let document = self.policy.read(text)?;
        let warning = document.warning(self.documents.ready(0));
        warning.iter().for_each(|warning| tollgate::log::warn!("{warning}"));
        Ok(document)
    }

    fn count(&mut self, _: usize, event: fetch::Event) {
        match event {
            fetch::Event::Fetched => self.host.statistics.control_fetched.increment(),
            fetch::Event::Failed { .. } => self.host.statistics.control_failed.increment(),
            fetch::Event::Waited | fetch::Event::WaitingOverflow => {}
        }
    }
}
