//! What a row is sent: [`HEADERS`], or the same with something that differs from request to request.
//!
//! wrk goes through what differs, one after another, and goes on where it stopped the round before: with 100,000 tokens
//! and 15,000 requests a second a token comes again after seven seconds, whatever the length of a round.

mod clients;
mod tokens;

pub use clients::Clients;
pub use tokens::{AUDIENCE, ISSUER, Tokens};

use crate::rows::{HEADERS, Row};
use anyhow::{Context, Result};
use std::cell::Cell;
use std::path::PathBuf;
use tempfile::TempDir;
use tokens::TokenFiles;

/// What differs from request to request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Varying {
    /// The token, in place of what [`HEADERS`] has for `authorization`.
    Bearer(Tokens),
    /// Who sends it: the address in `x-forwarded-for`, and the same for `x-api-key`.
    Client(Clients),
}

impl Varying {
    /// How many different requests there are.
    fn count(self) -> u32 {
        match self {
            Self::Bearer(tokens) => tokens.count,
            Self::Client(clients) => clients.count,
        }
    }

    /// Whether wrk needs a script. It costs wrk time, and a slower wrk is another load: rows that are compared have it
    /// alike, so that one client is sent by a script too.
    fn is_scripted(self) -> bool {
        match self {
            Self::Bearer(tokens) => tokens.count > 1,
            Self::Client(_) => true,
        }
    }

    /// What requests have in common, as far as a proxy sees that does not read them.
    #[cfg(test)]
    pub fn kind(self) -> (&'static str, bool) {
        let name = match self {
            Self::Bearer(_) => "token",
            Self::Client(_) => "client",
        };
        (name, self.is_scripted())
    }

    /// The same, and how many there are.
    #[cfg(test)]
    pub fn shape(self) -> ((&'static str, bool), u32) {
        (self.kind(), self.count())
    }
}

/// The files of a run: scripts, and what they send.
pub struct Files {
    directory: TempDir,
    tokens: TokenFiles,
}

const TOKENS_SCRIPT: &str = "tokens.lua";
const CLIENTS_SCRIPT: &str = "clients.lua";

impl Files {
    pub fn new() -> Result<Self> {
        let directory = tempfile::tempdir().context("no directory for what is sent")?;
        std::fs::write(directory.path().join(TOKENS_SCRIPT), tokens::SCRIPT)?;
        std::fs::write(directory.path().join(CLIENTS_SCRIPT), clients::SCRIPT)?;
        Ok(Self { directory, tokens: TokenFiles::default() })
    }

    /// What a row is sent.
    pub fn requests(&self, row: &Row) -> Result<Requests> {
        let mut headers: Vec<_> = HEADERS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut set = |name: &'static str, value: String| {
            headers.retain(|(other, _)| *other != name);
            headers.push((name, value));
        };
        let (script, argument) = match row.varying {
            None => (None, String::new()),
            Some(Varying::Bearer(tokens)) => {
                let file = self.tokens.file(tokens, self.directory.path())?;
                set("authorization", format!("Bearer {}", file.first));
                (Some(TOKENS_SCRIPT), file.path.display().to_string())
            }
            Some(Varying::Client(clients)) => {
                set(clients::ADDRESS, clients::address(0));
                set(clients::KEY, clients::address(0));
                (Some(CLIENTS_SCRIPT), clients.count.to_string())
            }
        };
        let script = script.filter(|_| row.varying.is_some_and(Varying::is_scripted));
        let script = script.map(|name| Script { path: self.directory.path().join(name), argument });
        let different = row.varying.map_or(1, Varying::count);
        Ok(Requests { headers, script, different, sent: Cell::new(0) })
    }
}

/// What a row is sent.
pub struct Requests {
    headers: Vec<(&'static str, String)>,
    script: Option<Script>,
    different: u32,
    sent: Cell<u64>,
}

/// What makes wrk send others than the first.
pub struct Script {
    path: PathBuf,
    /// What it needs to know: the file, or how many.
    argument: String,
}

impl Requests {
    /// How many different ones there are.
    pub fn different(&self) -> u64 {
        self.different.into()
    }

    /// The headers of the first.
    pub fn first(&self) -> Vec<(&'static str, String)> {
        self.headers.clone()
    }

    /// What makes wrk send the others, and what it is told; `None` if there are none.
    pub fn script(&self) -> Option<(&PathBuf, [String; 3])> {
        let script = self.script.as_ref()?;
        Some((&script.path, ["--".to_owned(), script.argument.clone(), self.sent.get().to_string()]))
    }

    /// So many more were sent.
    pub fn were_sent(&self, more: u64) {
        self.sent.set(self.sent.get() + more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows;

    #[test]
    fn a_script_goes_on_where_it_stopped_and_begins_with_the_first() {
        let files = Files::new().unwrap();
        let rows = rows::all();
        let row = rows.iter().find(|row| row.name == "rl address 1M").unwrap();
        let requests = files.requests(row).unwrap();
        let of = |name: &str| {
            let first = requests.first();
            first.iter().filter(|(n, _)| *n == name).map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("x-forwarded-for"), ["10.100.100.100"]);
        assert_eq!(of("x-api-key"), ["10.100.100.100"]);
        assert_eq!(requests.first().len(), HEADERS.len() + 1);
        requests.were_sent(7);
        requests.were_sent(5);
        let (path, arguments) = requests.script().unwrap();
        assert!(path.exists());
        assert_eq!(arguments, ["--", "1000000", "12"]);
    }

    #[test]
    fn requests_that_do_not_differ_need_no_script() {
        let files = Files::new().unwrap();
        let rows = rows::all();
        let row = rows.iter().find(|row| row.name == rows::NONE).unwrap();
        let requests = files.requests(row).unwrap();
        assert!(requests.script().is_none());
        assert_eq!((requests.different(), requests.first().len()), (1, HEADERS.len()));
    }
}
