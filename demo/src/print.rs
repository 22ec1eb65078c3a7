//! Output of the tour.
//!
//! For each message, the tour prints only the headers that a filter may have changed. A mark compares each
//! header with the message that the other side sent: `+` was added, `~` has another value, `-` was removed.
//! Colours only emphasise the marks.

use crate::http::Reply;
use crate::services::Seen;
use crate::tour::{Action, Outcome, Step};
use clap::ValueEnum;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use tollgate_host_test::{Headers, Request};

/// Use of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    fn decide(self) -> bool {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            // https://no-color.org
            Self::Auto => {
                io::stdout().is_terminal()
                    && set("NO_COLOR").is_none()
                    && set("TERM").is_some_and(|t| t != "dumb")
            }
        }
    }
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

/// Headers that are not printed, because nearly every message has them.
const NOISE: [&str; 8] = [
    "content-length",
    "content-type",
    "date",
    "host",
    "server",
    "transfer-encoding",
    "user-agent",
    "x-forwarded-proto",
];

fn is_noise(name: &[u8]) -> bool {
    name.starts_with(b"x-envoy-") || NOISE.iter().any(|noise| noise.as_bytes() == name)
}

/// Prints the tour, one step at a time.
pub struct Printer {
    color: bool,
    page: String,
    out: Box<dyn Write>,
}

impl Printer {
    /// Returns a printer to standard output.
    pub fn to_stdout(color: Color) -> Self {
        Self::new(color.decide(), Box::new(io::stdout()))
    }

    /// Returns a printer to any writer.
    pub fn new(color: bool, out: Box<dyn Write>) -> Self {
        Self { color, page: String::new(), out }
    }

    /// Prints a line.
    pub fn say(&mut self, text: impl Display) -> io::Result<()> {
        self.line(&text.to_string());
        self.flush()
    }

    /// Prints a label with an address, a path or a command.
    pub fn labelled(&mut self, label: &str, value: impl Display) -> io::Result<()> {
        let label = self.paint(DIM, &format!("{label:<15}"));
        self.say(format!("  {label} {value}"))
    }

    /// Prints a step and its outcome. Returns the number of expectations that failed.
    pub fn step(&mut self, number: usize, step: &Step, outcome: &Outcome) -> io::Result<usize> {
        let title = self.paint(BOLD, step.title);
        self.line(&format!("\n{number:>2}  {title}"));
        match &step.action {
            Action::Send(request) | Action::SendUntil(request, _) => self.exchange(request, outcome),
            Action::Validate(filter, config) => {
                self.rows("configured", vec![format!("{filter}: {config}")]);
                self.rows(
                    "Envoy logged",
                    vec![outcome.rejection.clone().unwrap_or("configuration OK".to_owned())],
                );
            }
        }
        let checked: Vec<_> = step.expect.iter().map(|expect| (expect, expect.check(outcome))).collect();
        let rows = checked.iter().map(|(expect, verdict)| match verdict {
            Ok(()) => format!("{} {expect}", self.paint(GREEN, "✓")),
            Err(differs) => self.paint(RED, &format!("✗ {expect}: {differs}")),
        });
        let rows = rows.collect();
        self.rows("checked", rows);
        self.flush()?;
        Ok(checked.iter().filter(|(_, verdict)| verdict.is_err()).count())
    }

    fn exchange(&mut self, request: &Request, outcome: &Outcome) {
        let mut sent = vec![format!("{} {}", request.method, request.path)];
        sent.extend(self.fields(&request.headers, None));
        self.rows("sent", sent);
        for Seen { service, method, path, headers, .. } in &outcome.seen {
            let mut rows = vec![format!("{method} {path}")];
            rows.extend(self.fields(headers, Some(&request.headers)));
            self.rows(service, rows);
        }
        if let Some(Reply { status, headers, body }) = &outcome.reply {
            let mut rows = vec![status.to_string()];
            rows.extend(self.fields(headers, outcome.seen.first().map(|seen| &seen.answered)));
            rows.extend((!body.is_empty()).then(|| String::from_utf8_lossy(body).trim_end().to_owned()));
            self.rows("received", rows);
        }
        let counted = outcome
            .counted
            .iter()
            .map(|(name, by)| format!("{name} {}", self.paint(CYAN, &format!("+{by}"))));
        let counted = counted.collect();
        self.rows("counted", counted);
    }

    /// Formats the headers of interest, compared with those that the other side sent.
    fn fields(&self, headers: &Headers, before: Option<&Headers>) -> Vec<String> {
        let relevant = |headers: &'_ Headers| -> Vec<(Vec<u8>, Vec<u8>)> {
            headers.0.iter().filter(|(name, _)| !is_noise(name)).cloned().collect()
        };
        let Some(before) = before else {
            return relevant(headers).iter().map(text).collect();
        };
        let now = relevant(headers).into_iter().map(|field| match &field {
            field if before.0.contains(field) => format!("  {}", text(field)),
            (name, _) if before.0.iter().any(|(n, _)| n == name) => {
                self.paint(YELLOW, &format!("~ {}", text(&field)))
            }
            field => self.paint(GREEN, &format!("+ {}", text(field))),
        });
        let gone = relevant(before).into_iter().filter(|(name, _)| !headers.0.iter().any(|(n, _)| n == name));
        now.chain(gone.map(|field| self.paint(RED, &format!("- {}", text(&field))))).collect()
    }

    /// Prints rows with a label in front of the first one.
    fn rows(&mut self, label: &str, rows: Vec<String>) {
        for (i, row) in rows.iter().enumerate() {
            let label = self.paint(DIM, &format!("{:<13}", if i == 0 { label } else { "" }));
            self.line(&format!("    {label} {row}"));
        }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.color { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Prints the result of the tour.
    pub fn verdict(&mut self, steps: usize, failed: &[&str]) -> io::Result<()> {
        let text = match failed {
            [] => self.paint(GREEN, &format!("All {steps} steps passed.")),
            some => self.paint(RED, &format!("{} of {steps} steps failed: {}", some.len(), some.join("; "))),
        };
        self.say(format!("\n{text}"))
    }

    fn line(&mut self, text: &str) {
        self.page.push_str(text);
        self.page.push('\n');
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(std::mem::take(&mut self.page).as_bytes())?;
        self.out.flush()
    }
}

/// Formats a header. Escapes control characters, which a terminal could interpret.
fn text((name, value): &(Vec<u8>, Vec<u8>)) -> String {
    format!("{}: {}", name.escape_ascii(), String::from_utf8_lossy(value).escape_debug())
}
