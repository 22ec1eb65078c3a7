//! What a command has to say: to people, to machines, and to the shell.

use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code. See `tollgate --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Yes.
    Yes = 0,
    /// No.
    No = 1,
    /// The command line or a file makes no sense.
    Unusable = 2,
    /// It could not be tried.
    NotTried = 3,
}

impl Exit {
    /// The code of two things together: what is unusable first, then what is refused, then what is unknown.
    pub fn and(self, other: Self) -> Self {
        let weight = |exit| match exit {
            Self::Yes => 0,
            Self::NotTried => 1,
            Self::No => 2,
            Self::Unusable => 3,
        };
        if weight(other) > weight(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// What a command has to say.
#[derive(Debug)]
pub struct Report {
    /// To the shell.
    pub exit: Exit,
    /// To machines: an object, to which the command and the exit code are added.
    pub json: Value,
    /// To people, in colours.
    pub text: String,
}

impl Report {
    /// Nothing but an error, in one line.
    pub fn error(why: &str) -> Self {
        let why = why.replace('\n', " ");
        Self { exit: Exit::Unusable, json: json!({ "error": why }), text: String::new() }
    }

    /// Prints it. That nobody reads to the end is no error.
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

/// Colours. `anstream` takes them out where there is no terminal.
pub mod paint {
    /// What is well.
    pub fn good(text: &str) -> String {
        format!("\x1b[32m{text}\x1b[0m")
    }

    /// What is not.
    pub fn bad(text: &str) -> String {
        format!("\x1b[1;31m{text}\x1b[0m")
    }

    /// What is unknown.
    pub fn unsure(text: &str) -> String {
        format!("\x1b[33m{text}\x1b[0m")
    }

    /// What is less important.
    pub fn dim(text: &str) -> String {
        format!("\x1b[2m{text}\x1b[0m")
    }
}

/// Log lines, as machines get them. A filter is configured on each thread and says the same each time; once is enough.
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

/// The same for people.
pub fn show_logs(text: &mut String, logs: &[Value]) {
    for line in logs {
        let (level, what) =
            (line["level"].as_str().unwrap_or_default(), line["text"].as_str().unwrap_or_default());
        *text += &format!("    {} {what}\n", paint::dim(&format!("logged {level}:")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_counts() {
        use Exit::{No, NotTried, Unusable, Yes};
        assert_eq!([Yes, NotTried, No].into_iter().fold(Yes, Exit::and), No);
        assert_eq!(NotTried.and(Yes), NotTried);
        assert_eq!(No.and(Unusable), Unusable);
    }
}
