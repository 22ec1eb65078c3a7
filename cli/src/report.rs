//! The result of a command: text, JSON and exit code.

use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code. See `tollgate --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The check passed.
    Success = 0,
    /// The check failed.
    Failure = 1,
    /// The command line or a file is invalid.
    Invalid = 2,
    /// The check could not run.
    NotChecked = 3,
}

impl Exit {
    /// Combines two codes: `Invalid` takes precedence, then `Failure`, then `NotChecked`.
    pub fn and(self, other: Self) -> Self {
        let weight = |exit| match exit {
            Self::Success => 0,
            Self::NotChecked => 1,
            Self::Failure => 2,
            Self::Invalid => 3,
        };
        if weight(other) > weight(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// The result of a command.
#[derive(Debug)]
pub struct Report {
    /// Exit code.
    pub exit: Exit,
    /// Output of `--json`: an object. [`Report::print`] adds the command and the exit code.
    pub json: Value,
    /// Text output, in colours.
    pub text: String,
}

impl Report {
    /// A report of an error, on one line.
    pub fn error(why: &str) -> Self {
        Self::failure(Exit::Invalid, why)
    }

    /// A report of why there is no result, on one line, with an exit code.
    pub fn failure(exit: Exit, why: &str) -> Self {
        let why = why.replace('\n', " ");
        Self { exit, json: json!({ "error": why }), text: String::new() }
    }

    /// Prints the report. A reader that closes the pipe early is not an error.
    pub fn print(mut self, command: &str, json: bool) -> io::Result<()> {
        if let Some(object) = self.json.as_object_mut() {
            if let (Some(error), false) = (object.get("error"), json) {
                eprintln!("tollgate: {}", error.as_str().unwrap_or_default());
            }
            object.insert("command".into(), command.into());
            object.insert("exit".into(), (self.exit as u8).into());
        }
        let text = if json { format!("{:#}\n", self.json) } else { self.text };
        match anstream::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// Colours. `anstream` removes them when the output is not a terminal.
pub mod paint {
    /// Green, for success.
    pub fn good(text: &str) -> String {
        format!("\x1b[32m{text}\x1b[0m")
    }

    /// Red, for failure.
    pub fn bad(text: &str) -> String {
        format!("\x1b[1;31m{text}\x1b[0m")
    }

    /// Yellow, for unknown.
    pub fn unknown(text: &str) -> String {
        format!("\x1b[33m{text}\x1b[0m")
    }

    /// Dimmed, for less important text.
    pub fn dim(text: &str) -> String {
        format!("\x1b[2m{text}\x1b[0m")
    }
}

/// Log lines as JSON, without duplicates: a filter is configured on each thread and logs the same lines each
/// time.
pub fn logs(lines: &[tollgate_host_test::LogLine]) -> Vec<Value> {
    let mut seen = Vec::new();
    for line in lines {
        let line = json!({ "level": format!("{:?}", line.level).to_lowercase(), "text": line.text });
        if !seen.contains(&line) {
            seen.push(line);
        }
    }
    seen
}

/// Appends log lines as text.
pub fn show_logs(text: &mut String, logs: &[Value]) {
    for line in logs {
        let (level, message) =
            (line["level"].as_str().unwrap_or_default(), line["text"].as_str().unwrap_or_default());
        *text += &format!("    {} {message}\n", paint::dim(&format!("logged {level}:")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combining_codes_keeps_the_most_severe() {
        use Exit::{Failure, Invalid, NotChecked, Success};
        assert_eq!([Success, NotChecked, Failure].into_iter().fold(Success, Exit::and), Failure);
        assert_eq!(NotChecked.and(Success), NotChecked);
        assert_eq!(Failure.and(Invalid), Invalid);
    }
}
