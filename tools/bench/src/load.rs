//! The load: requests over a few connections, counted, and every answer looked at.
//!
//! Not one of the tools for it, since these send for whole seconds. On a machine whose speed changes from one tenth of
//! a second to the next the rows have to follow each other faster than that, and to be loaded often.

use crate::requests::Requests;
use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A client with several connections, each with one request under way.
pub struct Client {
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    /// What was read of an answer.
    answer: Vec<u8>,
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than the whole of any answer.
const ROOM: usize = 16 * 1024;

impl Client {
    pub fn connect(to: SocketAddr, connections: u32) -> Result<Self> {
        let connect = |_| {
            let stream = TcpStream::connect_timeout(&to, PATIENCE)
                .with_context(|| format!("no connection to {to}"))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(Connection { stream, answer: Vec::with_capacity(ROOM) })
        };
        Ok(Self { connections: (0..connections).map(connect).collect::<Result<_>>()? })
    }

    /// Sends so many requests. Each must be answered with this status.
    ///
    /// The connections take turns: the answer on one is read and the next request is written to it while the proxy is
    /// busy with those of the others.
    pub fn send(&mut self, requests: &Requests, count: u64, status: u16) -> Result<()> {
        let at_once = self.connections.len() as u64;
        let mut request = Vec::with_capacity(ROOM);
        let (mut sent, mut answered) = (0, 0);
        while answered < count {
            for connection in &mut self.connections {
                if answered < count && sent >= at_once.min(count) {
                    connection.answered(status)?;
                    answered += 1;
                }
                if sent < count {
                    requests.next(&mut request);
                    connection.stream.write_all(&request).context("a request was not sent")?;
                    sent += 1;
                }
            }
        }
        Ok(())
    }
}

impl Connection {
    fn answered(&mut self, status: u16) -> Result<()> {
        self.answer.clear();
        loop {
            let mut part = [0; 4096];
            let read = self.stream.read(&mut part).context("a request was not answered")?;
            ensure!(read > 0, "a connection was closed, having answered {:?}", self.text());
            self.answer.extend(part.get(..read).unwrap_or_default());
            ensure!(self.answer.len() <= ROOM, "an answer is too long: {}", self.text());
            if self.is_whole(status)? {
                return Ok(());
            }
        }
    }

    /// Whether the answer has come, the body and all.
    fn is_whole(&self, status: u16) -> Result<bool> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head) = response.parse(&self.answer)? else { return Ok(false) };
        ensure!(response.code == Some(status), "an answer is not a {status}: {}", self.text());
        let length = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
        let Some(length) = length else { bail!("an answer does not say how long it is: {}", self.text()) };
        let length: usize = std::str::from_utf8(length.value)?.parse()?;
        ensure!(self.answer.len() <= head + length, "an answer goes on behind its end: {}", self.text());
        Ok(self.answer.len() == head + length)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.answer).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// Answers each request of one connection with the next of these, and says how many requests there were.
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
                // In two pieces, as it may come.
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
        let sent = Client::connect(to, 1).unwrap().send(&Requests::alike(), count, status);
        (sent, server.join().unwrap())
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";
    const NO: &str = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn so_many_are_sent_as_were_asked_for() {
        let (sent, requests) = send(vec![GOOD; 9], 7, 200);
        sent.unwrap();
        assert_eq!(requests, 7);
        send(vec![NO; 2], 2, 429).0.unwrap();
    }

    #[test]
    fn an_answer_that_should_not_be_is_an_error() {
        for (answers, expected) in [
            (vec![GOOD, NO], "an answer is not a 200: HTTP/1.1 429"),
            (vec!["HTTP/1.1 200 OK\r\n\r\n"], "does not say how long it is"),
            (vec!["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nyes"], "goes on behind its end"),
            (vec!["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nyes"], "a connection was closed"),
            (vec!["hello, this is no HTTP"], "invalid"),
        ] {
            let error = format!("{:#}", send(answers, 2, 200).0.unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
