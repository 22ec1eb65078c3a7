//! Envoy's admin interface.

use super::http1::{Kind, Reader};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The body of a page.
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
        match stream.read(&mut buffer)? {
            0 => reader.end(),
            n => {
                reader.push(&buffer[..n]);
                continue;
            }
        }
        break reader.take().ok_or(io::ErrorKind::UnexpectedEof)?;
    };
    let body = String::from_utf8_lossy(&message.body).into_owned();
    match message.status() {
        200 => Ok(body),
        status => Err(io::Error::other(format!("`{path}` answered {status}: {}", body.trim()))),
    }
}

/// The listeners' names and addresses, once Envoy takes traffic.
pub(super) fn listeners_when_live(admin: SocketAddr) -> Option<Vec<(String, SocketAddr)>> {
    // `/ready` answers 503 before, and the interface may not even listen yet.
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

/// Counters and gauges whose name matches a regular expression; all of them for an empty one.
pub(super) fn stats(admin: SocketAddr, pattern: &str) -> io::Result<BTreeMap<String, u64>> {
    let path = match pattern {
        "" => "/stats?format=json".to_owned(),
        _ => format!("/stats?format=json&filter={}", escape(pattern)),
    };
    let page: Value = serde_json::from_str(&get(admin, &path)?)?;
    let stats = page["stats"].as_array().cloned().unwrap_or_default();
    // Histograms are an entry of their own, without a name. Text readouts have no number.
    Ok(stats.iter().filter_map(|s| Some((s["name"].as_str()?.to_owned(), s["value"].as_u64()?))).collect())
}

/// Percent-encodes what may not stand in a query (RFC 3986 section 3.4).
fn escape(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}
