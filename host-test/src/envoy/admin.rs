//! Reads Envoy's admin interface.

use crate::http1::{Kind, Reader};
use crate::{Bucket, Histogram};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the body of a page.
pub(super) fn get(admin: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&admin, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: admin\r\n\r\n").as_bytes())?;
    let mut reader = Reader::new(Kind::Response);
    let mut buffer = [0; 16 * 1024];
    let message = loop {
        if let Some(message) = reader.take() {
            break message;
        }
        match stream.read(&mut buffer) {
            Ok(0) => reader.end(),
            Ok(n) => {
                reader.push(&buffer[..n]);
                continue;
            }
            // A signal, for instance because a debugger attaches.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        break reader.take().ok_or(io::ErrorKind::UnexpectedEof)?;
    };
    let body = String::from_utf8_lossy(&message.body).into_owned();
    match message.status() {
        200 => Ok(body),
        status => Err(io::Error::other(format!("admin page `{path}`: status {status}: {}", body.trim()))),
    }
}

/// Returns the names and addresses of the listeners, or `None` while Envoy does not accept traffic yet.
pub(super) fn listeners_when_live(admin: SocketAddr) -> Option<Vec<(String, SocketAddr)>> {
    // Until Envoy is live, `/ready` answers 503, or the admin interface does not listen yet.
    get(admin, "/ready").ok().filter(|state| state.trim() == "LIVE")?;
    let page: Value = serde_json::from_str(&get(admin, "/listeners?format=json").ok()?).ok()?;
    // A bootstrap without listeners has no `listener_statuses` either.
    let statuses = page["listener_statuses"].as_array().cloned().unwrap_or_default();
    statuses.iter().map(listener).collect()
}

fn listener(status: &Value) -> Option<(String, SocketAddr)> {
    let socket = &status["local_address"]["socket_address"];
    let ip = socket["address"].as_str()?.parse().ok()?;
    let port = u16::try_from(socket["port_value"].as_u64()?).ok()?;
    Some((status["name"].as_str()?.to_owned(), SocketAddr::new(ip, port)))
}

/// Returns the counters and gauges whose names match a regular expression, or all of them for an empty one.
pub(super) fn stats(admin: SocketAddr, pattern: &str) -> io::Result<BTreeMap<String, u64>> {
    let path = match pattern {
        "" => "/stats?format=json".to_owned(),
        _ => format!("/stats?format=json&filter={}", escape(pattern)),
    };
    let page: Value = serde_json::from_str(&get(admin, &path)?)?;
    let stats = page["stats"].as_array().cloned().unwrap_or_default();
    // Skips histograms, which are one entry without a name, and text readouts, whose value is not a number.
    Ok(stats.iter().filter_map(|s| Some((s["name"].as_str()?.to_owned(), s["value"].as_u64()?))).collect())
}

/// Returns the buckets of the histograms whose names match a regular expression. Envoy merges those of its
/// threads at each flush of the statistics; before the first one, a histogram has no buckets.
pub(super) fn histograms(admin: SocketAddr, pattern: &str) -> io::Result<BTreeMap<String, Histogram>> {
    let path =
        format!("/stats?format=json&type=Histograms&histogram_buckets=detailed&filter={}", escape(pattern));
    let page: Value = serde_json::from_str(&get(admin, &path)?)?;
    let details = |entry: &Value| entry["histograms"]["details"].as_array().cloned();
    let found = page["stats"].as_array().into_iter().flatten().filter_map(details).flatten();
    Ok(found.filter_map(|entry| Some((entry["name"].as_str()?.to_owned(), buckets(&entry)))).collect())
}

fn buckets(entry: &Value) -> Histogram {
    let bucket = |bucket: &Value| {
        // Envoy computes 110 as 1.1 times 100, which is 110.00000000000001.
        let number = |name: &str| Some((bucket[name].as_f64()? * 1000.0).round() / 1000.0);
        Some(Bucket {
            lower: number("lower_bound")?,
            width: number("width")?,
            count: bucket["count"].as_u64()?,
        })
    };
    let buckets = entry["totals"].as_array().into_iter().flatten();
    Histogram { buckets: buckets.filter_map(bucket).collect() }
}

/// Percent-encodes bytes that a query may not contain (RFC 3986 section 3.4).
fn escape(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}
