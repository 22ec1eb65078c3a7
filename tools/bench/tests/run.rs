//! Runs the program on a real Envoy, as briefly as possible.

use std::process::{Command, Output};

#[expect(clippy::unwrap_used, reason = "a helper of tests; clippy only exempts functions with `#[test]`")]
fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tollgate-bench")).args(arguments).output().unwrap()
}

#[test]
fn a_short_run_measures_each_row() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bench.json");
    let output = bench(&[
        "--rounds=2",
        "--requests=100",
        "--connections=2",
        "--only=none,empty",
        "--json",
        file.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("| none |") && table.contains("| empty |"), "{table}");
    let all: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let rows = all["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let rounds = row["rounds"].as_array().unwrap();
        assert_eq!(rounds.len(), 2);
        for number in ["cpu_us", "per_second", "resident_mib"] {
            assert!(rounds[0][number].as_f64().unwrap() > 0.0, "{row}");
        }
    }
    // Ratios need `stock-empty`.
    assert!(
        rows[1]["overhead_us"]["value"].is_number() && rows[1]["relative_overhead"].is_null(),
        "{rows:?}"
    );
}

#[test]
fn an_unknown_row_is_an_error_that_lists_all_rows() {
    let output = bench(&["--only=nonne"]);
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("--only: unknown row `nonne`, expected one of `none`, `stock-empty`"),
        "{message}"
    );
}
