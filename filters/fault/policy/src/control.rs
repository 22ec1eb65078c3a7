//! The document of the control endpoint.
//!
//! A stop must work even if the rest of the document is invalid. So with `enabled: false`, nothing else is
//! read.

use crate::config::{ExperimentConfig, OnMissing};
use crate::plan::{Compiler, Experiment, RuleSet};
use crate::{Plan, Policy};
use tollgate_policy::{Config, FieldPath, UnixNanos, config};

/// A document.
#[derive(Clone, Debug)]
pub struct Document {
    enabled: bool,
    experiments: Vec<Running>,
    /// Experiments that are skipped, because neither the document nor the configuration defines them.
    unknown: Vec<String>,
}

#[derive(Clone, Debug)]
struct Running {
    experiment: Experiment,
    /// Index of the experiment in the configuration whose rules apply; `None` for its own.
    configured: Option<usize>,
}

#[derive(Config)]
struct Raw {
    #[config(default = true)]
    enabled: bool,
    #[config(default)]
    experiments: Vec<ExperimentConfig>,
}

impl Document {
    /// Parses a document. An error says what is invalid.
    pub fn parse(text: &[u8], plan: &Plan) -> Result<Self, String> {
        // Without this, an empty response would run the rules.
        if text.trim_ascii().is_empty() {
            return Err("the document is empty, expected a JSON object".into());
        }
        let tree = config::tree(text).map_err(|error| error.to_string())?;
        if tree.get("enabled") == Some(&false.into()) {
            return Ok(Self { enabled: false, experiments: Vec::new(), unknown: Vec::new() });
        }
        let raw: Raw = config::read(&tree).map_err(|error| error.to_string())?;
        let mut compiler = Compiler::without_statistics(plan.normalization);
        let (mut experiments, mut unknown) = (Vec::new(), Vec::new());
        for (index, experiment) in raw.experiments.iter().enumerate() {
            let place = FieldPath::new("experiments").at(index);
            let compiled = compiler.experiment(experiment, &place).map_err(|error| error.to_string())?;
            let configured = plan.experiments.iter().position(|other| other.name == compiled.name);
            if compiled.rules.is_empty() && configured.is_none() {
                // Filters with different experiments may share an endpoint.
                unknown.push(experiment.name.clone());
                continue;
            }
            let configured = configured.filter(|_| compiled.rules.is_empty());
            experiments.push(Running { experiment: compiled, configured });
        }
        Ok(Self { enabled: raw.enabled, experiments, unknown })
    }

    /// Returns a warning about unknown experiments that the document before this one does not name.
    pub fn warning(&self, before: Option<&Self>) -> Option<String> {
        let known = before.map_or(&[][..], |before| &before.unknown);
        let new: Vec<_> =
            self.unknown.iter().filter(|name| !known.contains(name)).map(|name| &**name).collect();
        let names = new.join("`, `");
        (!new.is_empty()).then(|| {
            format!("control: unknown experiments `{names}`, expected `faults` or those of the configuration")
        })
    }
}

impl Policy {
    /// Reads a document, as [`Document::parse`] does, and remembers whether it stops all faults.
    pub fn read(&mut self, text: &[u8]) -> Result<Document, String> {
        let document = Document::parse(text, &self.plan)?;
        self.is_stopped = !document.enabled;
        Ok(document)
    }

    /// Returns whether faults are injected at all: whether neither the configuration nor the control endpoint
    /// stops them. `document` is the current document of the endpoint; `None` if there is no document, or if
    /// it is too old. Its stop remains in force then.
    pub fn is_enabled(&self, document: Option<&Document>) -> bool {
        let control = self.plan.control.as_ref();
        let continues =
            || !self.is_stopped && control.is_none_or(|control| control.on_missing == OnMissing::Continue);
        self.plan.enabled && document.map_or_else(continues, |document| document.enabled)
    }
}

impl Plan {
    /// Returns whether an experiment may run, so that the time is needed.
    pub(crate) fn has_experiments(&self, document: Option<&Document>) -> bool {
        match document {
            Some(document) => !document.experiments.is_empty(),
            None => self.control.is_none() && !self.experiments.is_empty(),
        }
    }

    /// Returns the rules of the experiments that run, in order.
    pub(crate) fn running<'r>(
        &'r self,
        document: Option<&'r Document>,
        now: UnixNanos,
    ) -> impl Iterator<Item = &'r RuleSet> {
        let named = document.map_or(&[][..], |document| &document.experiments);
        let own = if self.control.is_none() { &self.experiments[..] } else { &[] };
        let named = named.iter().filter(move |running| running.experiment.is_on(now));
        let named = named.filter_map(move |running| match running.configured {
            Some(index) => self.experiments.get(index).filter(|experiment| experiment.is_on(now)),
            None => Some(&running.experiment),
        });
        own.iter()
            .filter(move |experiment| experiment.is_on(now))
            .chain(named)
            .map(|experiment| &experiment.rules)
    }
}
