//! Results of a check.

use super::change::{Kind, Variation};
use crate::Refused;
use std::fmt;

/// Summary of a successful check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of random variations.
    pub drawn: usize,
    /// Number of runs in which the client or the upstream aborted a request.
    pub cuts: usize,
    /// Number of runs in which the next request began before a request was complete.
    pub overlaps: usize,
    /// Kinds of variations that are not possible for this scenario, with the reason.
    pub left_out: Vec<(Kind, &'static str)>,
}

/// The reason why a check failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The proxy does not start with these filters.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A variation changes the result.
    #[error("{0}")]
    Differs(Box<Difference>),
}

/// The smallest variation found that changes the result, with the differences.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The variation.
    pub variation: Variation,
    /// Its changes, described in English.
    pub text: Vec<String>,
    /// Seed of the random variations.
    pub seed: u64,
    /// The differences between the two runs.
    pub differs: Vec<Differs>,
}

/// One difference between two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// The property that differs, such as a header at the client.
    pub place: String,
    /// The values without the variation; empty if absent.
    pub plain: Vec<String>,
    /// The values with the variation; empty if absent.
    pub varied: Vec<String>,
}

/// Number of characters of a value that are shown.
const SHOWN: usize = 120;

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let same = |(a, b): (&Vec<char>, &Vec<char>)| a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let (plain, varied) = (chars(&self.plain), chars(&self.varied));
        // Traps contain a backtrace, which is shown completely.
        let shown = if self.place == super::visible::TRAPS { usize::MAX } else { SHOWN };
        // Begin shortly before the first difference.
        let skip = match same((&plain, &varied)) {
            same if same > SHOWN / 2 => same - SHOWN / 2,
            _ => 0,
        };
        writeln!(f, "  {}", self.place)?;
        writeln!(f, "    original: {}", window(&plain, skip, shown))?;
        write!(f, "    varied:   {}", window(&varied, skip, shown))
    }
}

fn chars(values: &[String]) -> Vec<char> {
    if values.is_empty() { "(absent)".chars().collect() } else { values.join(" | ").chars().collect() }
}

fn window(text: &[char], skip: usize, most: usize) -> String {
    let shown: String = text.iter().skip(skip).take(most).collect();
    let before = if skip > 0 { "..." } else { "" };
    let after = if text.len().saturating_sub(skip) > most { "..." } else { "" };
    format!("{before}{shown}{after}")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a variation of the scenario changes the result (seed {}):", self.seed)?;
        for change in &self.text {
            writeln!(f, "  {change}")?;
        }
        writeln!(f, "differences:")?;
        for differs in &self.differs {
            writeln!(f, "{differs}")?;
        }
        write!(f, "to replay it: {}", self.variation)
    }
}
