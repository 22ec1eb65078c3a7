//! Generates load: a fixed number of requests over a few connections. Checks every response.
//!
//! Existing load generators send for whole seconds. Where the speed of the machine changes within tenths of a
//! second, rows must alternate faster than that, and be loaded often.

use crate::requests::Requests;
use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A client with several connections, each with one request at a time.
pub struct Client {
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    /// The part of the response that was read.
    response: Vec<u8>,
}

/// Maximum time until a response.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum size of a response.
const MAX_RESPONSE: usize = 16 * 1024;

impl Client {
    pub fn connect(to: SocketAddr, connections: u32) -> Result<Self> {
        let connect = |_| {
            let stream = TcpStream::connect_timeout(&to, TIMEOUT)
                .with_context(|| format!("cannot connect to {to}"))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            Ok(Connection { stream, response: Vec::with_capacity(MAX_RESPONSE) })
        };
        Ok(Self { connections: (0..connections).map(connect).collect::<Result<_>>()? })
    }

    /// Sends `count` requests. Every response must have this status.
    ///
    /// The connections take turns: while the proxy handles the requests of the others, the client reads the
    /// response of one connection and writes its next request.
    pub fn send(&mut self, requests: &Requests, count: u64, status: u16) -> Result<()> {
        let at_once = self.connections.len() as u64;
        let mut request = Vec::with_capacity(MAX_RESPONSE);
        let (mut sent, mut answered) = (0, 0);
        while answered < count {
            for connection in &mut self.connections {
                if answered < count && sent >= at_once.min(count) {
                    connection.read_response(status)?;
                    answered += 1;
                }
                if sent < count {
                    requests.next(&mut request);
                    connection.stream.write_all(&request).context("cannot send a request")?;
                    sent += 1;
                }
            }
        }
        Ok(())
    }
}

impl Connection {
    fn read_response(&mut self, status: u16) -> Result<()> {
        self.response.clear();
        loop {
            let mut part = [0; 4096];
            let read = self.stream.read(&mut part).context("no response to a request")?;
            ensure!(read > 0, "connection closed after {:?}", self.text());
            self.response.extend(part.get(..read).unwrap_or_default());
            ensure!(
                self.response.len() <= MAX_RESPONSE,
                "response exceeds {MAX_RESPONSE} bytes: {}",
                self.text()
            );
            if self.is_whole(status)? {
                return Ok(());
            }
        }
    }

    /// Whether the response is complete, with its body.
    fn is_whole(&self, status: u16) -> Result<bool> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head) = response.parse(&self.response)? else { return Ok(false) };
        ensure!(response.code == Some(status), "expected status {status}: {}", self.text());
        let length = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
        let Some(length) = length else { bail!("response without `content-length`: {}", self.text()) };
        let length: usize = std::str::from_utf8(length.value)?.parse()?;
        ensure!(
            self.response.len() <= head + length,
            "response is longer than its `content-length`: {}",
            self.text()
        );
        Ok(self.response.len() == head + length)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.response).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// Serves one connection: answers each request with the next response, and returns the number of
    /// requests.
    fn server(answers: Vec<&'static str>) -> (SocketAddr, JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let serve = move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut requests, mut text) = (0, String::new());
            for answer in answers {
                while !text.ends_with("\r\n\r\n") {
                    let mut part = [0; 1024];
                    let read = stream.read(&mut part).unwrap();
                    if read == 0 {
                        return requests;
                    }
                    text += std::str::from_utf8(&part[..read]).unwrap();
                }
                requests += 1;
                text.clear();
                // In two pieces, as from a network.
                let (first, second) = answer.split_at(answer.len() / 2);
                stream.write_all(first.as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(1));
                stream.write_all(second.as_bytes()).unwrap();
            }
            requests
        };
        (to, std::thread::spawn(serve))
    }

    fn send(answers: Vec<&'static str>, count: u64, status: u16) -> (Result<()>, usize) {
        let (to, server) = server(answers);
        let sent = Client::connect(to, 1).unwrap().send(&Requests::constant(), count, status);
        (sent, server.join().unwrap())
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";
    const NO: &str = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn sends_the_given_number_of_requests() {
        let (sent, requests) = send(vec![GOOD; 9], 7, 200);
        sent.unwrap();
        assert_eq!(requests, 7);
        send(vec![NO; 2], 2, 429).0.unwrap();
    }

    #[test]
    fn an_unexpected_response_is_an_error() {
        for (answers, expected) in [
            (vec![GOOD, NO], "expected status 200: HTTP/1.1 429"),
            (vec!["HTTP/1.1 200 OK\r\n\r\n"], "response without `content-length`"),
            (vec!["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nyes"], "longer than its `content-length`"),
            (vec!["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nyes"], "connection closed"),
            (vec!["hello, this is not HTTP"], "invalid"),
        ] {
            let error = format!("{:#}", send(answers, 2, 200).0.unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
