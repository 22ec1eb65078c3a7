//! What a check says.

use super::change::{Kind, Variation};
use crate::Refused;
use std::fmt;

/// What was tried, when nothing differed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Variations drawn by lot.
    pub drawn: usize,
    /// Places where a request was cut off, by its client or its upstream.
    pub cuts: usize,
    /// Places where a request was met by the next one.
    pub overlaps: usize,
    /// What this scenario cannot be varied in, and why.
    pub left_out: Vec<(Kind, &'static str)>,
}

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The proxy does not start with these filters.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A variation can be told from the scenario.
    #[error("{0}")]
    Differs(Box<Difference>),
}

/// The least variation that was found to make a difference, and which.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The variation.
    pub variation: Variation,
    /// Its changes in words.
    pub text: Vec<String>,
    /// What it was drawn from.
    pub seed: u64,
    /// Where the runs differ.
    pub differs: Vec<Differs>,
}

/// A place where two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// What is seen, and by whom.
    pub place: String,
    /// Its values in the scenario as it is; none if it is not there.
    pub plain: Vec<String>,
    /// Its values in the variation.
    pub varied: Vec<String>,
}

/// Characters of a value that are shown.
const SHOWN: usize = 120;

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let same = |(a, b): (&Vec<char>, &Vec<char>)| a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let (plain, varied) = (chars(&self.plain), chars(&self.varied));
        // A trap comes with the functions that led to it.
        let shown = if self.place == super::visible::TRAPS { usize::MAX } else { SHOWN };
        // What comes before the first difference is shown if there is room.
        let skip = match same((&plain, &varied)) {
            same if same > SHOWN / 2 => same - SHOWN / 2,
            _ => 0,
        };
        writeln!(f, "  {}", self.place)?;
        writeln!(f, "    as it is: {}", window(&plain, skip, shown))?;
        write!(f, "    varied:   {}", window(&varied, skip, shown))
    }
}

fn chars(values: &[String]) -> Vec<char> {
    if values.is_empty() { "(not there)".chars().collect() } else { values.join(" | ").chars().collect() }
}

fn window(text: &[char], skip: usize, most: usize) -> String {
    let shown: String = text.iter().skip(skip).take(most).collect();
    let before = if skip > 0 { "..." } else { "" };
    let after = if text.len().saturating_sub(skip) > most { "..." } else { "" };
    format!("{before}{shown}{after}")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the filters can be told a variation from the scenario (seed {}):", self.seed)?;
        for change in &self.text {
            writeln!(f, "  {change}")?;
        }
        writeln!(f, "and then differ")?;
        for differs in &self.differs {
            writeln!(f, "{differs}")?;
        }
        write!(f, "to replay: {}", self.variation)
    }
}
