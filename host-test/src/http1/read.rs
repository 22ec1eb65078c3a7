//! A parser for HTTP/1.1 messages.
//!
//! Client and server libraries reject or normalize some of the bytes that tests are about, so this parser is
//! lenient. It keeps names, values and their order, except that names become lower case as in HTTP/2. It
//! accepts invalid header blocks, so that a test can show what a filter made of them.

use crate::Headers;

/// Rule that determines the length of a body (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
    Close,
}

/// Kind of message, which determines where the body ends if no header field does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A request: without framing it has no body.
    Request,
    /// A response: without framing the body ends with the connection.
    #[default]
    Response,
    /// The response to a HEAD request: it has no body, regardless of its header.
    ResponseToHead,
}

/// A message, which may still be incomplete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// The request line or the status line.
    pub start: Vec<u8>,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub trailers: Headers,
}

impl Message {
    /// Returns the three parts of the first line. A reason phrase, and the target of a request, may contain
    /// spaces.
    pub fn words(&self) -> [String; 3] {
        let line = String::from_utf8_lossy(&self.start);
        let (first, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let is_status = line.starts_with("HTTP/1.");
        let rest = if is_status { rest.split_once(' ') } else { rest.rsplit_once(' ') }.unwrap_or((rest, ""));
        [first, rest.0, rest.1].map(str::to_owned)
    }

    /// Returns the status code of a response, or 0 if it has none.
    pub fn status(&self) -> u16 {
        self.words()[1].parse().unwrap_or(0)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Body(Framing),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Complete,
    Broken,
}

/// Parses a sequence of messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reader {
    kind: Kind,
    state: State,
    buffer: Vec<u8>,
    at: usize,
    message: Message,
}

impl Reader {
    pub fn new(kind: Kind) -> Self {
        Self { kind, state: State::Head, buffer: Vec::new(), at: 0, message: Message::default() }
    }

    /// Adds bytes from the socket.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
        while self.step() {}
    }

    /// Handles the end of the connection, which completes a body without a length.
    pub fn end(&mut self) {
        if self.state == State::Body(Framing::Close) {
            self.state = State::Complete;
        }
    }

    /// Returns the message so far, once its header is complete.
    pub fn begun(&self) -> Option<&Message> {
        (!matches!(self.state, State::Head | State::Broken)).then_some(&self.message)
    }

    /// Whether the bytes are not HTTP.
    pub fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    /// Returns the message once it is complete, and continues with the next one.
    pub fn take(&mut self) -> Option<Message> {
        if self.state != State::Complete {
            return None;
        }
        self.state = State::Head;
        let message = std::mem::take(&mut self.message);
        while self.step() {}
        Some(message)
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Returns the next line without its line end, or `None` while it is incomplete.
    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.rest().iter().position(|b| *b == b'\n')?;
        let line = self.rest()[..end].strip_suffix(b"\r").unwrap_or(&self.rest()[..end]).to_vec();
        self.at += end + 1;
        Some(line)
    }

    /// Moves up to `max` bytes to the body. Returns how many.
    fn body(&mut self, max: u64) -> u64 {
        let n = self.rest().len().min(usize::try_from(max).unwrap_or(usize::MAX));
        self.message.body.extend_from_slice(&self.buffer[self.at..self.at + n]);
        self.at += n;
        n as u64
    }

    /// Parses one step. Returns whether another step may be possible.
    fn step(&mut self) -> bool {
        let next = match self.state {
            State::Head => self.head(),
            State::Body(Framing::Length(0)) => Some(State::Complete),
            State::Body(Framing::Length(left)) => {
                let n = self.body(left);
                (n > 0).then_some(State::Body(Framing::Length(left - n)))
            }
            State::Body(Framing::Chunked) => Some(State::ChunkSize),
            State::Body(Framing::Close) => {
                self.body(u64::MAX);
                None
            }
            State::ChunkSize => self.line().map(|line| match chunk_size(&line) {
                Some(0) => State::Trailers,
                Some(n) => State::Chunk(n),
                None => State::Broken,
            }),
            State::Chunk(0) => Some(State::ChunkEnd),
            State::Chunk(left) => {
                let n = self.body(left);
                (n > 0).then_some(State::Chunk(left - n))
            }
            State::ChunkEnd => self.line().map(|_| State::ChunkSize),
            State::Trailers => self.trailers(),
            State::Complete | State::Broken => None,
        };
        if let Some(next) = next {
            self.state = next;
        }
        next.is_some()
    }

    fn head(&mut self) -> Option<State> {
        let lines = self.block()?;
        let mut lines = lines.into_iter();
        self.message.start = lines.next().unwrap_or_default();
        self.message.headers = Headers(lines.map(|line| field(&line)).collect());
        let words = self.message.words();
        if !words.iter().any(|word| word.starts_with("HTTP/1.")) {
            return Some(State::Broken);
        }
        // RFC 9110 section 15.2: interim responses precede the final one. 101 is the last response of its
        // connection.
        if self.kind != Kind::Request
            && (100..200).contains(&self.message.status())
            && self.message.status() != 101
        {
            self.message = Message::default();
            return Some(State::Head);
        }
        Some(State::Body(self.framing()))
    }

    fn trailers(&mut self) -> Option<State> {
        if self.rest().starts_with(b"\r\n") {
            self.at += 2;
            return Some(State::Complete);
        }
        let lines = self.block()?;
        self.message.trailers = Headers(lines.iter().map(|line| field(line)).collect());
        Some(State::Complete)
    }

    /// Returns the lines up to an empty one, or `None` until it has arrived.
    fn block(&mut self) -> Option<Vec<Vec<u8>>> {
        let rest = self.rest();
        let end = rest.windows(4).position(|w| w == b"\r\n\r\n")?;
        let lines = rest[..end].split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l).to_vec());
        let lines = lines.collect();
        self.at += end + 4;
        Some(lines)
    }

    fn framing(&self) -> Framing {
        let headers = &self.message.headers;
        let status = self.message.status();
        match self.kind {
            Kind::ResponseToHead => return Framing::Length(0),
            Kind::Response if status == 204 || status == 304 || status == 101 => return Framing::Length(0),
            _ => {}
        }
        let chunked =
            headers.get_all("transfer-encoding").any(|v| v.to_ascii_lowercase().ends_with(b"chunked"));
        if chunked {
            return Framing::Chunked;
        }
        let length = headers.get("content-length").and_then(|v| std::str::from_utf8(v).ok()?.parse().ok());
        match (length, self.kind) {
            (Some(n), _) => Framing::Length(n),
            (None, Kind::Request) => Framing::Length(0),
            (None, _) => Framing::Close,
        }
    }
}

/// Parses a header line. The name becomes lower case. A line without a colon is a name without a value.
fn field(line: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
    let value = line.get(colon + 1..).unwrap_or_default();
    (line[..colon].to_ascii_lowercase(), value.trim_ascii().to_vec())
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|b| *b == b';').next()?.trim_ascii();
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the bytes at once and one by one, which must give the same message.
    fn read(kind: Kind, bytes: &[u8]) -> Option<Message> {
        let mut whole = Reader::new(kind);
        whole.push(bytes);
        whole.end();
        let whole = whole.take();
        let mut single = Reader::new(kind);
        for byte in bytes {
            single.push(std::slice::from_ref(byte));
        }
        single.end();
        assert_eq!(whole, single.take());
        whole
    }

    #[test]
    fn keeps_order_repeats_and_bytes() {
        let m =
            read(Kind::Request, b"GET /a?b HTTP/1.1\r\nHost: h\r\nX: \xff\r\nY:\r\nx: 2\r\n\r\n").unwrap();
        assert_eq!(m.words(), ["GET", "/a?b", "HTTP/1.1"]);
        let spaces = read(Kind::Request, b"GET /a b HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!(spaces.words(), ["GET", "/a b", "HTTP/1.1"]);
        let names: Vec<_> = m.headers.0.iter().map(|(n, _)| n.as_slice()).collect();
        assert_eq!(names, [b"host".as_slice(), b"x", b"y", b"x"]);
        assert_eq!(m.headers.get_all("x").collect::<Vec<_>>(), [b"\xff".as_slice(), b"2"]);
        assert_eq!(m.headers.get("y"), Some(b"".as_slice()));
    }

    #[test]
    fn the_header_determines_the_end_of_the_body() {
        let m = read(Kind::Response, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef").unwrap();
        assert_eq!(m.body, b"abc");
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: v\r\n\r\n";
        let m = read(Kind::Response, chunked).unwrap();
        assert_eq!((m.body.as_slice(), m.trailers.get("t")), (b"abcd".as_slice(), Some(b"v".as_slice())));
        let m = read(Kind::Response, b"HTTP/1.1 200 OK\r\n\r\nto the end").unwrap();
        assert_eq!(m.body, b"to the end");
        assert_eq!(
            read(Kind::Response, b"HTTP/1.1 204 None\r\ncontent-length: 2\r\n\r\n").unwrap().body,
            b""
        );
        let head = read(Kind::ResponseToHead, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").unwrap();
        assert_eq!(head.body, b"");
    }

    #[test]
    fn does_not_return_an_incomplete_message() {
        for cut in [
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab".as_slice(),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            b"HTTP/1.1 200 OK\r\n",
        ] {
            assert_eq!(read(Kind::Response, cut), None);
        }
    }

    #[test]
    fn skips_interim_responses_and_reads_the_next_message() {
        let mut r = Reader::new(Kind::Response);
        r.push(b"HTTP/1.1 103 Hints\r\nx: 1\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 201 C\r\n");
        let first = r.take().unwrap();
        assert_eq!(
            (first.status(), first.headers.get("x"), first.body.as_slice()),
            (200, None, b"a".as_slice())
        );
        r.push(b"content-length: 0\r\n\r\n");
        assert_eq!(r.take().unwrap().status(), 201);
    }

    #[test]
    fn other_protocols_are_broken() {
        let mut r = Reader::new(Kind::Request);
        r.push(b"PRI * HTTP/2.0\r\n\r\n");
        assert!(r.is_broken());
    }
}
