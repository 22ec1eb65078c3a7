//! Texts of the numbers that serde_json rounds.

/// The numbers of a JSON text that are not integers of 64 bits, in their order: those for which serde_json
/// returns a float. The text must be valid JSON up to the last number that is read.
pub(super) struct Literals<'t>(&'t [u8]);

impl<'t> Literals<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self(text)
    }

    /// Skips the rest of a string.
    fn skip_string(&mut self) {
        while let [byte, after @ ..] = self.0 {
            self.0 = match (byte, after) {
                (b'\\', [_, after @ ..]) => after,
                _ => after,
            };
            if *byte == b'"' {
                return;
            }
        }
    }
}

impl<'t> Iterator for Literals<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        while let [byte, after @ ..] = self.0 {
            match byte {
                b'"' => {
                    self.0 = after;
                    self.skip_string();
                }
                b'-' | b'0'..=b'9' => {
                    let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                    let end = self.0.iter().position(|byte| !is_part(byte)).unwrap_or(self.0.len());
                    let (number, after) = self.0.split_at_checked(end)?;
                    self.0 = after;
                    let number = core::str::from_utf8(number).ok()?;
                    if is_rounded(number) {
                        return Some(number);
                    }
                }
                _ => self.0 = after,
            }
        }
        None
    }
}

/// Returns whether serde_json reads a number as a float. An integer has no sign of its zero.
fn is_rounded(number: &str) -> bool {
    number == "-0" || (number.parse::<u64>().is_err() && number.parse::<i64>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_numbers_outside_of_strings_that_are_not_integers() {
        let text =
            br#"{"1.5": ["2.5", "\\\"3.5", 18446744073709551616, 7, -0, 1e3], "a": -9223372036854775809,
            "b": 18446744073709551615, "c": {"d": -9223372036854775808, "e": 0.5}, "f": true, "g\\": 1E5}"#;
        let found: Vec<_> = Literals::new(text).collect();
        assert_eq!(found, ["18446744073709551616", "-0", "1e3", "-9223372036854775809", "0.5", "1E5"]);
    }
}
