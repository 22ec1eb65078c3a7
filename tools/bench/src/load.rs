//! The load tools, both from Debian: wrk (the package `wrk`) and h2load (`nghttp2-client`).
//!
//! What they print is for people. It is read strictly: a run in which any request failed measured something else, and
//! is an error rather than a number.

use crate::requests::Requests;
use anyhow::{Context, Result, bail, ensure};
use std::net::SocketAddr;
use std::process::Command;

/// A load tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Tool {
    /// wrk.
    Wrk,
    /// h2load, over HTTP/1.1.
    H2load,
}

/// How much is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// As much as goes in this many seconds.
    Seconds(u32),
    /// This many requests. h2load alone counts.
    Requests(u64),
}

/// What a tool did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent {
    /// Requests that were answered as they should be.
    pub requests: u64,
    /// Requests per second.
    pub per_second: f64,
}

/// Sends requests over this many connections, each one request at a time. All of them must be answered with a 2xx or 3xx
/// status, or if they are to be `refused`, none.
pub fn send(
    tool: Tool,
    to: SocketAddr,
    requests: &Requests,
    refused: bool,
    connections: u32,
    amount: Amount,
) -> Result<Sent> {
    let url = format!("http://{to}/orders/17?expand=items");
    let connections = connections.to_string();
    let mut command = match tool {
        Tool::Wrk => Command::new("wrk"),
        Tool::H2load => Command::new("h2load"),
    };
    match (tool, amount) {
        (Tool::Wrk, Amount::Seconds(s)) => command.args(["-t1", "-c", &connections, "-d", &format!("{s}s")]),
        (Tool::H2load, Amount::Seconds(s)) => {
            command.args(["--h1", "-t1", "-c", &connections, "-D", &s.to_string()])
        }
        (Tool::H2load, Amount::Requests(n)) => {
            command.args(["--h1", "-t1", "-c", &connections, "-n", &n.to_string()])
        }
        (Tool::Wrk, Amount::Requests(_)) => {
            bail!("wrk sends for a time, not a number of requests: use h2load")
        }
    };
    for (name, value) in requests.first() {
        command.arg("-H").arg(format!("{name}: {value}"));
    }
    let mut arguments = vec![url];
    if let Some((script, told)) = requests.script() {
        ensure!(
            tool == Tool::Wrk,
            "h2load sends one request again and again: use wrk for a row with several tokens or clients"
        );
        command.arg("-s").arg(script);
        arguments.extend(told);
    }
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .args(arguments)
        .output()
        .with_context(|| format!("cannot run `{name}`: run `scripts/setup bench`, or install it"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let read = match tool {
        Tool::Wrk => read_wrk(&text, refused),
        Tool::H2load => read_h2load(&text, refused),
    };
    let sent =
        read.with_context(|| format!("{name} printed:\n{text}{}", String::from_utf8_lossy(&output.stderr)))?;
    requests.were_sent(sent.requests);
    Ok(sent)
}

fn read_wrk(text: &str, refused: bool) -> Result<Sent> {
    let requests = text.lines().find_map(|l| l.trim().split_once(" requests in ")?.0.parse().ok());
    let trouble = |start: &str| text.lines().map(str::trim).find(|line| line.starts_with(start));
    if let Some(line) = trouble("Socket errors:") {
        bail!("not every request succeeded: {line}");
    }
    match trouble(REFUSED) {
        Some(line) if !refused => bail!("not every request succeeded: {line}"),
        line if refused => {
            let count = line.and_then(|line| line.strip_prefix(REFUSED)?.trim().parse().ok());
            ensure!(count == requests, "not every request was refused: {count:?} of {requests:?}");
        }
        _ => {}
    }
    let per_second = text.lines().find_map(|l| l.strip_prefix("Requests/sec:")?.trim().parse().ok());
    sent(requests, per_second)
}

/// What wrk prints of answers that it does not take for a success.
const REFUSED: &str = "Non-2xx or 3xx responses:";

fn read_h2load(text: &str, refused: bool) -> Result<Sent> {
    ensure!(!refused, "h2load takes a refusal for a failure: use wrk for a row that refuses");
    let per_second = text.lines().find_map(|line| {
        let (_, rest) = line.strip_prefix("finished in ")?.split_once(", ")?;
        rest.split_once(" req/s")?.0.parse().ok()
    });
    let counts = |line: &str, of: &str| {
        let found = text.lines().find_map(|l| l.strip_prefix(line))?;
        found.split(',').find_map(|part| part.trim().strip_suffix(of)?.trim().parse::<u64>().ok())
    };
    let done = counts("requests: ", " done");
    let good = counts("status codes: ", " 2xx");
    ensure!(done == good, "not every request succeeded: {done:?} done, {good:?} answered with 2xx");
    for kind in [" failed", " errored", " timeout"] {
        let n = counts("requests: ", kind);
        ensure!(n == Some(0), "not every request succeeded: {n:?}{kind}");
    }
    sent(done, per_second)
}

fn sent(requests: Option<u64>, per_second: Option<f64>) -> Result<Sent> {
    let requests = requests.context("no number of requests in the tool's output")?;
    let per_second = per_second.context("no requests per second in the tool's output")?;
    ensure!(requests > 0, "no request was answered");
    Ok(Sent { requests, per_second })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRK: &str = "Running 2s test @ http://127.0.0.1:1/\n  1 threads and 16 connections\n  Thread Stats   Avg      \
        Stdev     Max   +/- Stdev\n    Latency     0.85ms    0.30ms   9.00ms   90.00%\n  37012 requests in 2.01s, \
        5.12MB read\nRequests/sec:  18413.93\nTransfer/sec:      2.55MB\n";

    #[test]
    fn wrk_is_read() {
        assert_eq!(read_wrk(WRK, false).unwrap(), Sent { requests: 37012, per_second: 18413.93 });
    }

    #[test]
    fn failures_that_wrk_counts_are_errors() {
        for line in [
            "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
            "  Non-2xx or 3xx responses: 37012\n",
        ] {
            let error = read_wrk(&format!("{WRK}{line}"), false).unwrap_err().to_string();
            assert_eq!(error, format!("not every request succeeded: {}", line.trim()));
        }
        assert!(read_wrk("unable to connect to 127.0.0.1:1 Connection refused\n", false).is_err());
        assert!(read_wrk("  0 requests in 2.01s, 0B read\nRequests/sec:      0.00\n", false).is_err());
    }

    #[test]
    fn a_row_that_refuses_must_refuse_all() {
        let all = format!("{WRK}  Non-2xx or 3xx responses: 37012\n");
        assert_eq!(read_wrk(&all, true).unwrap().requests, 37012);
        for text in [WRK.to_owned(), format!("{WRK}  Non-2xx or 3xx responses: 37011\n")] {
            let error = read_wrk(&text, true).unwrap_err().to_string();
            assert!(error.starts_with("not every request was refused: "), "{error}");
        }
        let error = read_h2load(H2LOAD, true).unwrap_err().to_string();
        assert!(error.contains("use wrk"), "{error}");
    }

    const H2LOAD: &str = "starting benchmark...\nfinished in 5.01s, 19321.20 req/s, 2.10MB/s\nrequests: 96606 total, \
        96622 started, 96606 done, 96606 succeeded, 0 failed, 0 errored, 0 timeout\nstatus codes: 96606 2xx, 0 3xx, \
        0 4xx, 0 5xx\n";

    #[test]
    fn h2load_is_read() {
        assert_eq!(read_h2load(H2LOAD, false).unwrap(), Sent { requests: 96606, per_second: 19321.20 });
    }

    #[test]
    fn failures_that_h2load_counts_are_errors() {
        assert!(read_h2load(&H2LOAD.replace("96606 2xx, 0 3xx", "96000 2xx, 606 3xx"), false).is_err());
        assert!(read_h2load(&H2LOAD.replace("0 timeout", "2 timeout"), false).is_err());
        assert!(read_h2load("", false).is_err());
    }
}
