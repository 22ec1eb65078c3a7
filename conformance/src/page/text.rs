//! Markdown: wrapped paragraphs, lists and tables.

use std::fmt::Write;

/// Adds a paragraph or an item, wrapped to a width.
pub(super) fn wrapped(page: &mut String, bullet: &str, text: &str) {
    const WIDTH: usize = 120;
    let margin = " ".repeat(bullet.len());
    let mut line = bullet.to_owned();
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH && line.trim() != bullet.trim() {
            let _ = writeln!(page, "{}", line.trim_end());
            line.clone_from(&margin);
        }
        if line.len() > bullet.len() {
            line.push(' ');
        }
        line += word;
    }
    let _ = writeln!(page, "{line}");
}

/// Adds an item of a list at a level. The top level is 0.
pub(super) fn bullet(page: &mut String, level: usize, text: &str) {
    wrapped(page, &format!("{}- ", "  ".repeat(level)), text);
}

/// Adds an item whose further lines are nested items (`- `) or rows of a table (`|`).
pub(super) fn lines(page: &mut String, text: &str) {
    let mut in_table = false;
    for (at, line) in text.lines().map(str::trim).enumerate() {
        let is_row = line.starts_with('|');
        if is_row != in_table {
            page.push('\n');
        }
        in_table = is_row;
        match line.strip_prefix("- ") {
            _ if is_row => {
                let _ = writeln!(page, "  {line}");
            }
            Some(item) => bullet(page, 1, item),
            None if at == 0 => bullet(page, 0, line),
            None => wrapped(page, "  ", line),
        }
    }
    if in_table {
        page.push('\n');
    }
}
