//! Computes the table and the comparisons from the samples.
//!
//! Rows are compared within each round, because a machine that is slow for a second is slow for all rows of
//! that round. The overhead of a row is the interquartile mean of the differences to its base row. Ratios are
//! ratios of overheads. The ranges come from resampling the rounds, with the same rounds for all rows.

use crate::proxy::Sample;
use crate::rows::{self, Row, Target};
use crate::stats::{Spread, interquartile_mean};
use serde_json::{Value, json};

/// The results of a row.
#[derive(Debug)]
pub struct Line {
    /// Name of the row.
    pub name: &'static str,
    description: &'static str,
    comparisons: Vec<Comparison>,
    cpu_us: Spread,
    per_second: Spread,
    resident_mib: Spread,
    /// Overhead per request, in microseconds. `None` for a base row, or if the base row was not measured.
    overhead_us: Option<Spread>,
    /// Overhead divided by that of the stock SDK's empty filter.
    relative_overhead: Option<Spread>,
    /// Overhead divided by that of the native row.
    times_native: Option<Spread>,
}

/// The value that a comparison measures.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Measure {
    /// Ratio of the overheads of two rows.
    Overhead,
    /// Difference of the times of two rows, in microseconds.
    Difference,
    /// Ratio of the whole times of two rows.
    WholeRequest,
}

/// A comparison of two rows. Most have a target.
#[derive(Debug)]
struct Comparison {
    row: &'static str,
    other: &'static str,
    measure: Measure,
    /// `None` if it was not measured.
    measured: Option<Spread>,
    /// `None` if the comparison is only for information.
    target: Option<f64>,
}

impl Comparison {
    /// Whether the target is met. `None` without a target; a target that was not measured is missed.
    fn is_met(&self) -> Option<bool> {
        let target = self.target?;
        Some(self.measured.is_some_and(|measured| measured.value <= target))
    }
}

/// Computes the lines of the table from the samples: a list for each row, with a sample for each round.
pub fn lines(rows: &[Row], samples: &[Vec<Sample>]) -> Vec<Line> {
    let all = All { rows, samples };
    let rounds = samples.first().map_or(0, Vec::len);
    let times = |name: &str, unit: &str| all.times(name, unit, rounds);
    rows.iter()
        .zip(samples)
        .filter_map(|(row, samples)| {
            let spread = |value: fn(&Sample) -> f64| Spread::from_values(samples.iter().map(value));
            Some(Line {
                name: row.name,
                description: row.description,
                comparisons: all.comparisons(row, rounds),
                cpu_us: spread(|s| s.cpu_us)?,
                per_second: spread(|s| s.per_second)?,
                resident_mib: spread(|s| s.resident_mib)?,
                overhead_us: Spread::bootstrap(rounds, |r| all.overhead(row.name, r)),
                relative_overhead: times(row.name, rows::STOCK),
                times_native: row.native.and_then(|native| times(row.name, native)),
            })
        })
        .collect()
}

struct All<'a> {
    rows: &'a [Row],
    samples: &'a [Vec<Sample>],
}

impl All<'_> {
    fn row(&self, name: &str) -> Option<(&Row, &Vec<Sample>)> {
        self.rows.iter().zip(self.samples).find(|(row, _)| row.name == name)
    }

    /// The overhead of a row in these rounds, in microseconds. `None` for a base row.
    fn overhead(&self, name: &str, rounds: &[usize]) -> Option<f64> {
        let (row, _) = self.row(name)?;
        if row.base == name { None } else { self.difference(name, row.base, rounds) }
    }

    fn difference(&self, name: &str, other: &str, rounds: &[usize]) -> Option<f64> {
        self.compare_rounds(name, other, rounds, |cpu, other| cpu - other)
    }

    fn times(&self, name: &str, unit: &str, rounds: usize) -> Option<Spread> {
        // A ratio to an overhead that may be zero is meaningless.
        Spread::bootstrap(rounds, |r| self.overhead(unit, r)).filter(|unit| unit.low > 0.0)?;
        Spread::bootstrap(rounds, |r| Some(self.overhead(name, r)? / self.overhead(unit, r)?))
    }

    fn comparisons(&self, row: &Row, rounds: usize) -> Vec<Comparison> {
        let targets = row.targets.iter().map(|target| self.with_target(row, *target, rounds));
        let others = row.compared_with.map(|other| self.overheads(row, other, None, rounds));
        targets.chain(others).collect()
    }

    fn with_target(&self, row: &Row, target: Target, rounds: usize) -> Comparison {
        let times = |unit, target| self.overheads(row, unit, Some(target), rounds);
        match target {
            Target::TimesStock(target) => times(rows::STOCK, target),
            Target::TimesNative(target) => times(row.native.unwrap_or_default(), target),
            Target::TimesRow(other, target) => times(other, target),
            Target::MicrosOver(other, target) => Comparison {
                row: row.name,
                other,
                measure: Measure::Difference,
                measured: Spread::bootstrap(rounds, |r| self.difference(row.name, other, r)),
                target: Some(target),
            },
            Target::WholeTimes(other, target) => Comparison {
                row: row.name,
                other,
                measure: Measure::WholeRequest,
                measured: Spread::bootstrap(rounds, |r| {
                    self.compare_rounds(row.name, other, r, |cpu, other| cpu / other)
                }),
                target: Some(target),
            },
        }
    }

    fn overheads(&self, row: &Row, other: &'static str, target: Option<f64>, rounds: usize) -> Comparison {
        let measured = self.times(row.name, other, rounds);
        Comparison { row: row.name, other, measure: Measure::Overhead, measured, target }
    }

    /// Compares two rows in each round, and returns the interquartile mean.
    fn compare_rounds(
        &self,
        name: &str,
        other: &str,
        rounds: &[usize],
        compare: impl Fn(f64, f64) -> f64,
    ) -> Option<f64> {
        let ((_, samples), (_, others)) = (self.row(name)?, self.row(other)?);
        let pairs = rounds.iter().filter_map(|round| Some((samples.get(*round)?, others.get(*round)?)));
        interquartile_mean(pairs.map(|(sample, other)| compare(sample.cpu_us, other.cpu_us)))
    }
}

/// Formats the table in Markdown.
pub fn table(lines: &[Line]) -> String {
    let mut text = String::from(
        "| row | filter | relative overhead | x native | overhead us | us per request | requests/s | RSS MiB |\n\
         |---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for line in lines {
        let cells = [
            line.name.to_owned(),
            line.description.to_owned(),
            optional(line.relative_overhead, 2),
            optional(line.times_native, 1),
            optional(line.overhead_us, 2),
            spread(line.cpu_us, 1),
            format!("{:.0}", line.per_second.value),
            format!("{:.0}", line.resident_mib.value),
        ];
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text
}

fn optional(value: Option<Spread>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| spread(value, digits))
}

fn spread(Spread { value, low, high }: Spread, digits: usize) -> String {
    format!("{value:.digits$} ({low:.digits$}..{high:.digits$})")
}

/// All results, as JSON.
pub fn json(lines: &[Line], samples: &[Vec<Sample>]) -> Value {
    let spread = |s: Spread| json!({"value": s.value, "low": s.low, "high": s.high});
    let comparison = |comparison: &Comparison| {
        json!({
            "measure": match comparison.measure {
                Measure::Overhead => "overhead_ratio",
                Measure::Difference => "difference_us",
                Measure::WholeRequest => "request_time_ratio",
            },
            "compared_with": comparison.other,
            "measured": comparison.measured.map(spread),
            "target": comparison.target,
            "met": comparison.is_met(),
        })
    };
    let rounds = |samples: &[Sample]| -> Vec<Value> {
        let one = |s: &Sample| json!({"cpu_us": s.cpu_us, "per_second": s.per_second, "resident_mib": s.resident_mib});
        samples.iter().map(one).collect()
    };
    let rows = lines.iter().zip(samples).map(|(line, samples)| {
        json!({
            "name": line.name,
            "description": line.description,
            "cpu_us": spread(line.cpu_us),
            "per_second": spread(line.per_second),
            "resident_mib": spread(line.resident_mib),
            "overhead_us": line.overhead_us.map(spread),
            "relative_overhead": line.relative_overhead.map(spread),
            "times_native": line.times_native.map(spread),
            "comparisons": line.comparisons.iter().map(comparison).collect::<Vec<_>>(),
            "rounds": rounds(samples),
        })
    });
    json!({ "rows": rows.collect::<Vec<_>>() })
}

/// Formats the comparisons, as a Markdown list. Empty if no row has a comparison.
pub fn comparisons(lines: &[Line]) -> String {
    let all = lines.iter().flat_map(|line| &line.comparisons);
    all.map(|comparison| format!("- {}\n", sentence(comparison))).collect()
}

fn sentence(comparison: &Comparison) -> String {
    let Comparison { row, other, measure, measured, target } = comparison;
    let unit = if *measure == Measure::Difference { " us" } else { "" };
    let result = match measured {
        Some(Spread { value, low, high }) => match measure {
            Measure::Overhead => format!("`{row}` = {value:.2} x `{other}` ({low:.2}..{high:.2})"),
            Measure::Difference => format!("`{row}` = `{other}` + {value:.2} us ({low:.2}..{high:.2})"),
            Measure::WholeRequest => {
                format!("whole request: `{row}` = {value:.2} x `{other}` ({low:.2}..{high:.2})")
            }
        },
        None => format!(
            "`{row}` compared with `{other}`: not measured, run both with their base rows, or more rounds"
        ),
    };
    match (target, comparison.is_met()) {
        (Some(target), Some(true)) => format!("{result}; target <= {target:.2}{unit}: met"),
        (Some(target), _) => format!("{result}; target <= {target:.2}{unit}: **missed**"),
        (None, _) => result,
    }
}

/// The comparisons whose target is missed or was not measured.
pub fn missed(lines: &[Line]) -> Vec<String> {
    lines
        .iter()
        .flat_map(|line| &line.comparisons)
        .filter(|comparison| comparison.is_met() == Some(false))
        .map(sentence)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(costs: &[(&str, &[f64])]) -> Vec<Line> {
        let rows: Vec<Row> =
            rows::all().into_iter().filter(|row| costs.iter().any(|(name, _)| *name == row.name)).collect();
        let sample = |cpu_us: &f64| Sample { cpu_us: *cpu_us, per_second: 1e6 / cpu_us, resident_mib: 60.0 };
        let cost = |row: &Row| costs.iter().find(|(name, _)| *name == row.name).unwrap().1;
        let samples: Vec<Vec<Sample>> =
            rows.iter().map(|row| cost(row).iter().map(sample).collect()).collect();
        lines(&rows, &samples)
    }

    fn line<'a>(lines: &'a [Line], name: &str) -> &'a Line {
        lines.iter().find(|line| line.name == name).unwrap()
    }

    #[test]
    fn overhead_ignores_outlier_rounds() {
        let lines = measured(&[
            ("none", &[20.0, 40.0, 20.0, 20.0, 25.0]),
            ("stock-empty", &[48.0, 44.0, 24.0, 24.0, 29.0]),
            ("empty", &[22.0, 42.0, 22.0, 90.0, 27.0]),
        ]);
        assert_eq!(line(&lines, "stock-empty").overhead_us.unwrap().value, 4.0);
        assert_eq!(line(&lines, "empty").relative_overhead.unwrap().value, 0.5);
        assert!(line(&lines, "none").overhead_us.is_none());
        assert!(missed(&lines).is_empty());
    }

    #[test]
    fn gives_no_ratio_to_a_native_filter_without_overhead() {
        let lines = measured(&[
            ("none", &[20.0, 20.0, 20.0]),
            ("hello", &[23.0, 23.0, 23.0]),
            ("envoy rbac", &[20.4, 19.7, 20.1]),
        ]);
        assert!(line(&lines, "hello").times_native.is_none());
        let lines = measured(&[("none", &[20.0]), ("hello", &[23.0]), ("envoy rbac", &[21.0])]);
        assert_eq!(line(&lines, "hello").times_native.unwrap().value, 3.0);
    }

    #[test]
    fn names_missed_and_unmeasured_targets() {
        let lines = measured(&[("none", &[20.0]), ("stock-empty", &[24.0]), ("empty", &[23.0])]);
        let sentence = "`empty` = 0.75 x `stock-empty` (0.75..0.75); target <= 0.65: **missed**";
        assert_eq!(missed(&lines), [sentence]);
        assert_eq!(comparisons(&lines), format!("- {sentence}\n"));
        let lines = measured(&[("none", &[20.0]), ("empty", &[21.0])]);
        assert_eq!(missed(&lines).len(), 1);
    }

    #[test]
    fn compares_a_row_with_its_base_and_its_target_row() {
        let lines = measured(&[
            ("none", &[10.0]),
            ("jwt none", &[20.0]),
            ("jwt callbacks", &[22.0]),
            ("jwt RS256 uncached", &[60.0]),
            ("jwt RS256 uncached envoy", &[70.0]),
            ("jwt cached", &[24.5]),
            ("jwt cached calls", &[23.0]),
            ("jwt cached envoy", &[25.0]),
        ]);
        assert_eq!(line(&lines, "jwt RS256 uncached").overhead_us.unwrap().value, 40.0);
        assert!(line(&lines, "jwt none").overhead_us.is_none());
        let text = comparisons(&lines);
        let expected = [
            "- `jwt RS256 uncached` = 0.80 x `jwt RS256 uncached envoy` (0.80..0.80); target <= 1.00: met",
            "- `jwt cached` = `jwt callbacks` + 2.50 us (2.50..2.50); target <= 2.00 us: **missed**",
            "- `jwt cached` = 1.50 x `jwt cached calls` (1.50..1.50)",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(missed(&lines).len(), 1);
    }

    #[test]
    fn compares_rows_with_different_numbers_of_clients() {
        let lines = measured(&[
            ("rl none", &[20.0]),
            ("rl callbacks", &[22.0]),
            ("rl address", &[24.0]),
            ("rl address calls", &[22.5]),
            ("rl 1M none", &[21.0]),
            ("rl address 1M", &[26.0]),
        ]);
        let text = comparisons(&lines);
        let expected = [
            "- `rl address` = 2.00 x `rl callbacks` (2.00..2.00); target <= 1.50: **missed**",
            "- `rl address` = 1.60 x `rl address calls` (1.60..1.60)",
            "- whole request: `rl address 1M` = 1.08 x `rl address` (1.08..1.08); target <= 1.10: met",
            "- `rl address 1M` = 1.25 x `rl address` (1.25..1.25)",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(missed(&lines).len(), 1);
    }

    #[test]
    fn an_unmeasured_comparison_without_target_is_not_missed() {
        let lines = measured(&[("rl address", &[24.0]), ("rl address 1M", &[26.0])]);
        let last = "- `rl address 1M` compared with `rl address`: not measured, run both with their base rows, or more \
                    rounds";
        assert_eq!(comparisons(&lines).lines().last(), Some(last));
        assert!(missed(&lines).iter().all(|sentence| sentence.contains("rl callbacks")));
    }

    #[test]
    fn the_table_has_a_line_for_each_row() {
        let lines = measured(&[("none", &[20.0]), ("stock-empty", &[24.0])]);
        let text = table(&lines);
        let cells = "| 1.00 (1.00..1.00) | - | 4.00 (4.00..4.00) | 24.0 (24.0..24.0) | 41667 | 60 |";
        assert!(text.lines().nth(3).unwrap().ends_with(cells), "{text}");
        assert_eq!(text.lines().count(), 4);
    }
}
