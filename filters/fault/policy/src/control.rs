//! The document of the control endpoint.
//!
//! A stop must work even if the rest of the document is invalid. So with `enabled: false`, nothing else is
//! read.

use crate::Plan;
use crate::config::{ExperimentConfig, OnMissing};
use crate::plan::{Compiler, Experiment, RuleSet};
use tollgate_policy::{Config, FieldPath, UnixNanos, config};

/// A document.
#[derive(Clone, Debug)]
pub struct Document {
    enabled: bool,
    experiments: Vec<Running>,
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
            return Ok(Self { enabled: false, experiments: Vec::new() });
        }
        let raw: Raw = config::read(&tree).map_err(|error| error.to_string())?;
        let mut compiler = Compiler::without_statistics();
        let mut experiments = Vec::new();
        for (index, experiment) in raw.experiments.iter().enumerate() {
            let place = FieldPath::new("experiments").at(index);
            let compiled = compiler.experiment(experiment, &place).map_err(|error| error.to_string())?;
            let configured = plan.experiments.iter().position(|other| other.name == compiled.name);
            if compiled.rules.is_empty() && configured.is_none() {
                let name = experiment.name.escape_debug();
                let message = format_args!(
                    "unknown experiment `{name}`, expected `faults` or one of the configuration"
                );
                return Err(place.field("name").error(message).to_string());
            }
            let configured = configured.filter(|_| compiled.rules.is_empty());
            experiments.push(Running { experiment: compiled, configured });
        }
        Ok(Self { enabled: raw.enabled, experiments })
    }
}

/// State of the control endpoint.
#[derive(Clone, Copy, Debug)]
pub enum Control<'d> {
    /// The configuration has no control endpoint.
    Off,
    /// The current document.
    Document(&'d Document),
    /// There is no document, or it is too old.
    Missing,
}

impl Plan {
    /// Returns whether faults are injected at all: whether neither the configuration nor the control endpoint
    /// stops them.
    pub fn is_enabled(&self, control: Control<'_>) -> bool {
        let on_missing = self.control.as_ref().map(|control| control.on_missing);
        self.enabled
            && match control {
                Control::Off => true,
                Control::Document(document) => document.enabled,
                Control::Missing => on_missing == Some(OnMissing::Continue),
            }
    }

    /// Returns whether an experiment may run, so that the time is needed.
    pub(crate) fn has_experiments(&self, control: Control<'_>) -> bool {
        match control {
            Control::Off => !self.experiments.is_empty(),
            Control::Document(document) => !document.experiments.is_empty(),
            Control::Missing => false,
        }
    }

    /// Returns the rules of the experiments that run, in order.
    pub(crate) fn running<'r>(
        &'r self,
        control: Control<'r>,
        now: UnixNanos,
    ) -> impl Iterator<Item = &'r RuleSet> {
        let named: &[Running] = match control {
            Control::Document(document) => &document.experiments,
            _ => &[],
        };
        let own: &[Experiment] = if matches!(control, Control::Off) { &self.experiments } else { &[] };
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
