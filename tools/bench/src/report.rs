//! From samples to the table.
//!
//! What a row adds is the difference of two undisturbed times, its own and that of [`NONE`](rows::NONE); the ratios are
//! ratios of such differences. How sure they are is found by taking the rounds again and again at random, the same
//! rounds for all rows: a machine that is slower for a minute is slower for all.

use crate::proxy::Sample;
use crate::rows::{self, Row};
use crate::stats::{Spread, undisturbed};
use serde_json::{Value, json};

/// What is known about a row.
#[derive(Debug)]
pub struct Line {
    /// The row's name.
    pub name: &'static str,
    what: &'static str,
    at_most: Option<f64>,
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

/// The lines of the table, for rows and their samples, a list a row and in it one a round.
pub fn lines(rows: &[Row], samples: &[Vec<Sample>]) -> Vec<Line> {
    let all = All { rows, samples };
    let rounds = samples.first().map_or(0, Vec::len);
    let times = |name: &str, unit: &str| {
        // A unit that may as well be zero was not measured; a multiple of it means nothing.
        Spread::of_rounds(rounds, |r| all.added(unit, r)).filter(|unit| unit.low > 0.0)?;
        Spread::of_rounds(rounds, |r| Some(all.added(name, r)? / all.added(unit, r)?))
    };
    rows.iter()
        .zip(samples)
        .filter_map(|(row, samples)| {
            let spread = |of: fn(&Sample) -> f64| Spread::of(samples.iter().map(of));
            Some(Line {
                name: row.name,
                what: row.what,
                at_most: row.at_most,
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
    /// The CPU time that a row adds in these rounds, in microseconds. The base adds nothing to itself.
    fn added(&self, name: &str, rounds: &[usize]) -> Option<f64> {
        if name == rows::NONE { None } else { Some(self.cpu(name, rounds)? - self.cpu(rows::NONE, rounds)?) }
    }

    fn cpu(&self, name: &str, rounds: &[usize]) -> Option<f64> {
        let (_, samples) = self.rows.iter().zip(self.samples).find(|(row, _)| row.name == name)?;
        undisturbed(rounds.iter().filter_map(|round| Some(samples.get(*round)?.cpu_us)))
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
            "at_most_times_stock": line.at_most,
            "rounds": rounds(samples),
        })
    });
    json!({ "rows": rows.collect::<Vec<_>>() })
}

/// The bounds that do not hold, a sentence each. That a bound could not be checked is one of them.
pub fn broken(lines: &[Line]) -> Vec<String> {
    lines
        .iter()
        .filter_map(|line| {
            let bound = line.at_most?;
            match line.times_stock {
                Some(times) if times.value <= bound => None,
                Some(times) => Some(format!(
                    "`{}` adds {:.2} of what `{}` adds, and may add {bound:.2}",
                    line.name,
                    times.value,
                    rows::STOCK
                )),
                None => Some(format!(
                    "`{}` has a bound, but what `{}` adds to `{}` was not measured: run both, or more rounds",
                    line.name,
                    rows::STOCK,
                    rows::NONE
                )),
            }
        })
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
    fn what_is_added_is_taken_from_undisturbed_rounds() {
        let lines = measured(&[
            ("none", &[20.0, 40.0, 20.0, 20.0, 25.0]),
            ("stock-empty", &[48.0, 24.0, 24.0, 24.0, 24.0]),
            ("empty", &[22.0, 44.0, 22.0, 90.0, 22.0]),
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
        assert_eq!(broken(&lines), ["`empty` adds 0.75 of what `stock-empty` adds, and may add 0.65"]);
        let lines = measured(&[("none", &[20.0]), ("empty", &[21.0])]);
        assert_eq!(broken(&lines).len(), 1);
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
