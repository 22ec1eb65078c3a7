//! From samples to the table.
//!
//! What a row adds is what is typical of the differences between its time and its base's in each round, and the ratios
//! are ratios of what rows add: a machine that is slower for a second is slower for all rows of a round. How sure they
//! are is found by taking the rounds again and again at random, the same rounds for all rows.

use crate::proxy::Sample;
use crate::rows::{self, Bound, Row};
use crate::stats::{Spread, typical};
use serde_json::{Value, json};

/// What is known about a row.
#[derive(Debug)]
pub struct Line {
    /// The row's name.
    pub name: &'static str,
    what: &'static str,
    verdicts: Vec<Verdict>,
    cpu_us: Spread,
    per_second: Spread,
    resident_mib: Spread,
    /// CPU added per request, in microseconds. `None` for the base itself, or when it was not measured.
    added_us: Option<Spread>,
    /// The same in units of what the stock SDK's empty filter adds.
    times_stock: Option<Spread>,
    /// The same in units of what Envoy's own means for the job add.
    times_native: Option<Spread>,
}

/// A comparison: most are a bound, and whether it holds.
#[derive(Debug)]
struct Verdict {
    /// What is bounded, in words.
    what: String,
    /// `None`: it was not measured.
    measured: Option<Spread>,
    /// `None`: it is only shown.
    at_most: Option<f64>,
    unit: &'static str,
}

impl Verdict {
    fn holds(&self) -> Option<bool> {
        let at_most = self.at_most?;
        Some(self.measured.is_some_and(|measured| measured.value <= at_most))
    }
}

/// The lines of the table, for rows and their samples, a list a row and in it one a round.
pub fn lines(rows: &[Row], samples: &[Vec<Sample>]) -> Vec<Line> {
    let all = All { rows, samples };
    let rounds = samples.first().map_or(0, Vec::len);
    let times = |name: &str, unit: &str| all.times(name, unit, rounds);
    rows.iter()
        .zip(samples)
        .filter_map(|(row, samples)| {
            let spread = |of: fn(&Sample) -> f64| Spread::of(samples.iter().map(of));
            Some(Line {
                name: row.name,
                what: row.what,
                verdicts: all.verdicts(row, rounds),
                cpu_us: spread(|s| s.cpu_us)?,
                per_second: spread(|s| s.per_second)?,
                resident_mib: spread(|s| s.resident_mib)?,
                added_us: Spread::of_rounds(rounds, |r| all.added(row.name, r)),
                times_stock: times(row.name, rows::STOCK),
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

    /// The CPU time that a row adds in these rounds, in microseconds. A base adds nothing to itself.
    fn added(&self, name: &str, rounds: &[usize]) -> Option<f64> {
        let (row, _) = self.row(name)?;
        if row.base == name { None } else { self.over(name, row.base, rounds) }
    }

    fn over(&self, name: &str, other: &str, rounds: &[usize]) -> Option<f64> {
        self.typical(name, other, rounds, |cpu, other| cpu - other)
    }

    fn times(&self, name: &str, unit: &str, rounds: usize) -> Option<Spread> {
        // A unit that may as well be zero was not measured; a multiple of it means nothing.
        Spread::of_rounds(rounds, |r| self.added(unit, r)).filter(|unit| unit.low > 0.0)?;
        Spread::of_rounds(rounds, |r| Some(self.added(name, r)? / self.added(unit, r)?))
    }

    fn verdicts(&self, row: &Row, rounds: usize) -> Vec<Verdict> {
        let bounds = row.bounds.iter().map(|bound| self.verdict(row, *bound, rounds));
        bounds.chain(row.beside.map(|other| self.beside(row, other, None, rounds))).collect()
    }

    fn verdict(&self, row: &Row, bound: Bound, rounds: usize) -> Verdict {
        let times = |unit: &str, at_most| self.beside(row, unit, Some(at_most), rounds);
        match bound {
            Bound::TimesStock(at_most) => times(rows::STOCK, at_most),
            Bound::TimesNative(at_most) => times(row.native.unwrap_or_default(), at_most),
            Bound::TimesRow(other, at_most) => times(other, at_most),
            Bound::MicrosOver(other, at_most) => Verdict {
                what: format!("what `{}` takes more than `{other}`", row.name),
                measured: Spread::of_rounds(rounds, |r| self.over(row.name, other, r)),
                at_most: Some(at_most),
                unit: " us",
            },
            Bound::WholeTimes(other, at_most) => Verdict {
                what: format!(
                    "what a request takes with `{}`, in units of what it takes with `{other}`",
                    row.name
                ),
                measured: Spread::of_rounds(rounds, |r| {
                    self.typical(row.name, other, r, |cpu, other| cpu / other)
                }),
                at_most: Some(at_most),
                unit: "",
            },
        }
    }

    fn beside(&self, row: &Row, unit: &str, at_most: Option<f64>, rounds: usize) -> Verdict {
        Verdict {
            what: format!("what `{}` adds, in units of what `{unit}` adds", row.name),
            measured: self.times(row.name, unit, rounds),
            at_most,
            unit: "",
        }
    }

    /// What is typical of two rows in the same round, compared so.
    fn typical(
        &self,
        name: &str,
        other: &str,
        rounds: &[usize],
        compare: impl Fn(f64, f64) -> f64,
    ) -> Option<f64> {
        let ((_, samples), (_, others)) = (self.row(name)?, self.row(other)?);
        let pairs = rounds.iter().filter_map(|round| Some((samples.get(*round)?, others.get(*round)?)));
        typical(pairs.map(|(sample, other)| compare(sample.cpu_us, other.cpu_us)))
    }
}

/// The table, in Markdown.
pub fn table(lines: &[Line]) -> String {
    let mut text = String::from(
        "| row | what is in the way | x stock-empty | x native | added us | us a request | requests/s | RSS MiB |\n\
         |---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for line in lines {
        let cells = [
            line.name.to_owned(),
            line.what.to_owned(),
            optional(line.times_stock, 2),
            optional(line.times_native, 1),
            optional(line.added_us, 2),
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

/// All there is, for programs.
pub fn json(lines: &[Line], samples: &[Vec<Sample>]) -> Value {
    let spread = |s: Spread| json!({"value": s.value, "low": s.low, "high": s.high});
    let bound = |verdict: &Verdict| {
        json!({
            "what": verdict.what,
            "measured": verdict.measured.map(spread),
            "at_most": verdict.at_most,
            "holds": verdict.holds(),
        })
    };
    let rounds = |samples: &[Sample]| -> Vec<Value> {
        let one = |s: &Sample| json!({"cpu_us": s.cpu_us, "per_second": s.per_second, "resident_mib": s.resident_mib});
        samples.iter().map(one).collect()
    };
    let rows = lines.iter().zip(samples).map(|(line, samples)| {
        json!({
            "name": line.name,
            "what": line.what,
            "cpu_us": spread(line.cpu_us),
            "per_second": spread(line.per_second),
            "resident_mib": spread(line.resident_mib),
            "added_us": line.added_us.map(spread),
            "times_stock": line.times_stock.map(spread),
            "times_native": line.times_native.map(spread),
            "bounds": line.verdicts.iter().map(bound).collect::<Vec<_>>(),
            "rounds": rounds(samples),
        })
    });
    json!({ "rows": rows.collect::<Vec<_>>() })
}

/// The bounds and other comparisons, a line each in Markdown. Nothing if no row has one.
pub fn verdicts(lines: &[Line]) -> String {
    let all = lines.iter().flat_map(|line| &line.verdicts);
    all.map(|verdict| {
        let holds = match verdict.holds() {
            Some(true) => ": holds",
            Some(false) => ": does not hold",
            None => "",
        };
        format!("- {}{holds}\n", sentence(verdict))
    })
    .collect()
}

fn sentence(Verdict { what, measured, at_most, unit }: &Verdict) -> String {
    let at_most = at_most.map_or_else(String::new, |at_most| format!(", at most {at_most:.2}{unit}"));
    match measured {
        Some(measured) => format!("{what}: {}{unit}{at_most}", spread(*measured, 2)),
        None => format!("{what} was not measured{at_most}: run both and what they add to, or more rounds"),
    }
}

/// The bounds that do not hold. That one could not be checked is one of them.
pub fn broken(lines: &[Line]) -> Vec<String> {
    lines
        .iter()
        .flat_map(|line| &line.verdicts)
        .filter(|verdict| verdict.holds() == Some(false))
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
        let of = |row: &Row| costs.iter().find(|(name, _)| *name == row.name).unwrap().1;
        let samples: Vec<Vec<Sample>> = rows.iter().map(|row| of(row).iter().map(sample).collect()).collect();
        lines(&rows, &samples)
    }

    fn line<'a>(lines: &'a [Line], name: &str) -> &'a Line {
        lines.iter().find(|line| line.name == name).unwrap()
    }

    #[test]
    fn what_is_added_is_what_is_typical_of_rounds() {
        let lines = measured(&[
            ("none", &[20.0, 40.0, 20.0, 20.0, 25.0]),
            ("stock-empty", &[48.0, 44.0, 24.0, 24.0, 29.0]),
            ("empty", &[22.0, 42.0, 22.0, 90.0, 27.0]),
        ]);
        assert_eq!(line(&lines, "stock-empty").added_us.unwrap().value, 4.0);
        assert_eq!(line(&lines, "empty").times_stock.unwrap().value, 0.5);
        assert!(line(&lines, "none").added_us.is_none());
        assert!(broken(&lines).is_empty());
    }

    #[test]
    fn a_native_filter_that_costs_nothing_is_no_unit() {
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
    fn a_broken_bound_is_named_and_so_is_one_that_cannot_be_checked() {
        let lines = measured(&[("none", &[20.0]), ("stock-empty", &[24.0]), ("empty", &[23.0])]);
        let sentence =
            "what `empty` adds, in units of what `stock-empty` adds: 0.75 (0.75..0.75), at most 0.65";
        assert_eq!(broken(&lines), [sentence]);
        assert_eq!(verdicts(&lines), format!("- {sentence}: does not hold\n"));
        let lines = measured(&[("none", &[20.0]), ("empty", &[21.0])]);
        assert_eq!(broken(&lines).len(), 1);
    }

    #[test]
    fn a_row_is_compared_with_its_own_base_and_may_be_bounded_by_another_row() {
        let lines = measured(&[
            ("none", &[10.0]),
            ("jwt none", &[20.0]),
            ("jwt callbacks", &[22.0]),
            ("jwt RS256 new", &[60.0]),
            ("jwt RS256 new envoy", &[70.0]),
            ("jwt seen", &[24.5]),
            ("jwt seen envoy", &[25.0]),
        ]);
        assert_eq!(line(&lines, "jwt RS256 new").added_us.unwrap().value, 40.0);
        assert!(line(&lines, "jwt none").added_us.is_none());
        let text = verdicts(&lines);
        let expected = [
            "- what `jwt RS256 new` adds, in units of what `jwt RS256 new envoy` adds: 0.80 (0.80..0.80), at most 1.00: \
             holds",
            "- what `jwt seen` takes more than `jwt callbacks`: 2.50 (2.50..2.50) us, at most 2.00 us: does not hold",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(broken(&lines).len(), 1);
    }

    #[test]
    fn a_row_may_be_compared_with_one_of_another_number_of_clients() {
        let lines = measured(&[
            ("rl none", &[20.0]),
            ("rl callbacks", &[22.0]),
            ("rl address", &[24.0]),
            ("rl address calls", &[22.5]),
            ("rl 1M none", &[21.0]),
            ("rl address 1M", &[26.0]),
        ]);
        let text = verdicts(&lines);
        let expected = [
            "- what `rl address` adds, in units of what `rl callbacks` adds: 2.00 (2.00..2.00), at most 1.50: does not \
             hold",
            "- what `rl address` adds, in units of what `rl address calls` adds: 1.60 (1.60..1.60)",
            "- what a request takes with `rl address 1M`, in units of what it takes with `rl address`: \
             1.08 (1.08..1.08), at most 1.10: holds",
            "- what `rl address 1M` adds, in units of what `rl address` adds: 1.25 (1.25..1.25)",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(broken(&lines).len(), 1);
    }

    #[test]
    fn what_is_only_shown_breaks_nothing_when_it_cannot_be() {
        let lines = measured(&[("rl address", &[24.0]), ("rl address 1M", &[26.0])]);
        let last = "- what `rl address 1M` adds, in units of what `rl address` adds was not measured: run both and what \
                    they add to, or more rounds";
        assert_eq!(verdicts(&lines).lines().last(), Some(last));
        assert!(broken(&lines).iter().all(|sentence| sentence.contains("rl callbacks")));
    }

    #[test]
    fn the_table_has_a_line_a_row() {
        let lines = measured(&[("none", &[20.0]), ("stock-empty", &[24.0])]);
        let text = table(&lines);
        let cells = "| 1.00 (1.00..1.00) | - | 4.00 (4.00..4.00) | 24.0 (24.0..24.0) | 41667 | 60 |";
        assert!(text.lines().nth(3).unwrap().ends_with(cells), "{text}");
        assert_eq!(text.lines().count(), 4);
    }
}
