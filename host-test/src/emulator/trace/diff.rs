//! Compares two traces.

use std::fmt::Display;

/// Number of equal lines shown around a difference.
const AROUND: usize = 3;
/// Limit on the number of differing lines that are compared one by one. A larger block is shown as replaced
/// as a whole.
const COMPARED: usize = 2_000;

/// Returns the differences between two traces, or `None` if they are equal. Lines only in `second` start with
/// `+`, lines only in `first` with `-`, and some equal lines are shown around them. Works for calls and for
/// trace lines.
pub fn diff<T: PartialEq + Display>(first: &[T], second: &[T]) -> Option<String> {
    if first == second {
        return None;
    }
    let start = first.iter().zip(second).take_while(|(a, b)| a == b).count();
    let most = first.len().min(second.len()) - start;
    let end = first.iter().rev().zip(second.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (a, b) = (&first[start..first.len() - end], &second[start..second.len() - end]);
    let mut out = String::new();
    if start > AROUND {
        out += &format!("  .. {} equal\n", start - AROUND);
    }
    first[start.saturating_sub(AROUND)..start].iter().for_each(|line| out += &format!("  {line}\n"));
    changes(a, b, &mut out);
    let rest = &first[first.len() - end..];
    rest.iter().take(AROUND).for_each(|line| out += &format!("  {line}\n"));
    if end > AROUND {
        out += &format!("  .. {} equal\n", end - AROUND);
    }
    Some(out)
}

/// Compares by the longest common subsequence.
fn changes<T: PartialEq + Display>(a: &[T], b: &[T], out: &mut String) {
    if a.len().max(b.len()) > COMPARED {
        a.iter().for_each(|line| *out += &format!("- {line}\n"));
        b.iter().for_each(|line| *out += &format!("+ {line}\n"));
        return;
    }
    let width = b.len() + 1;
    let mut common = vec![0u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            *out += &format!("  {}\n", a[i]);
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            *out += &format!("- {}\n", a[i]);
            i += 1;
        } else {
            *out += &format!("+ {}\n", b[j]);
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::diff;

    fn lines(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn equal_traces_do_not_differ() {
        assert_eq!(diff(&lines("abc"), &lines("abc")), None);
        assert_eq!(diff::<String>(&[], &[]), None);
    }

    #[test]
    fn shows_added_and_removed_lines_with_context() {
        let told = diff(&lines("abcdefgh"), &lines("abcdXfgh")).unwrap();
        assert_eq!(told, "  .. 1 equal\n  b\n  c\n  d\n- e\n+ X\n  f\n  g\n  h\n");
        assert_eq!(diff(&lines("ac"), &lines("abc")).unwrap(), "  a\n+ b\n  c\n");
        assert_eq!(diff(&lines("aa"), &lines("a")).unwrap(), "  a\n- a\n");
        assert_eq!(diff(&lines("abxcd"), &lines("bcyd")).unwrap(), "- a\n  b\n- x\n  c\n+ y\n  d\n");
    }
}
