//! Checks that the tables and targets in `docs/performance.md` match the rows.

use crate::rows::{self, Row, Target};

const PAGE: &str = include_str!("../../../docs/performance.md");

fn find<'a>(rows: &'a [Row], name: &str) -> &'a Row {
    rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("unknown row `{name}`"))
}

#[test]
fn the_page_describes_rows_as_the_table_does() {
    let rows = rows::all();
    let mut names = Vec::new();
    for line in PAGE.lines() {
        let cells: Vec<_> = line.strip_prefix("| ").unwrap_or_default().split(" | ").collect();
        if let [name, description, _, _, _, _, _, _] = cells[..]
            && name != "row"
        {
            assert_eq!(find(&rows, name).description, description, "{name}");
            names.push(name);
        }
    }
    assert!(names.contains(&rows::NONE) && names.contains(&"rl address"), "{names:?}");
}

#[test]
fn the_page_states_the_targets_of_the_rows() {
    let rows = rows::all();
    let mut targets = 0;
    for line in PAGE.lines().filter(|line| line.starts_with("- ")) {
        let Some((comparison, target)) = line.split_once("; target <= ") else { continue };
        let name = comparison.split('`').nth(1).unwrap();
        let stated = find(&rows, name).targets.iter().any(|t| {
            let (Target::TimesStock(max)
            | Target::TimesNative(max)
            | Target::TimesRow(_, max)
            | Target::MicrosOver(_, max)
            | Target::WholeTimes(_, max)) = *t;
            target == format!("{max:.2}: met")
                || target == format!("{max:.2}: **missed**")
                || target == format!("{max:.2} us: **missed**")
        });
        assert!(stated, "{line}");
        targets += 1;
    }
    assert!(targets > 0);
}
