//! Reads HTTP/1.1 messages from bytes as they come, for the client and for the upstreams.
//!
//! Neither a client nor a server library will do here: tests are about bytes that those refuse or tidy up. So the
//! reader is lenient on purpose. Names, values and their order are kept as they came, but for the case of names, which
//! HTTP/2 has not; a header block that a filter has spoilt is shown rather than refused.

use crate::Headers;

/// How the body of a message ends (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
    Close,
}

/// Which message is read. It decides where the body ends when no header field says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request: without framing there is no body.
    Request,
    /// A response: without framing the body ends with the connection.
    Response,
    /// The response to a HEAD request: there is no body, whatever the header says.
    ResponseToHead,
}

/// A message, as far as it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// The request line or the status line.
    pub start: Vec<u8>,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub trailers: Headers,
}

impl Message {
    /// The three parts of the first line. Spaces are part of a reason phrase, or of the target of a request.
    pub fn words(&self) -> [String; 3] {
        let line = String::from_utf8_lossy(&self.start);
        let (first, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let is_status = line.starts_with("HTTP/1.");
        let rest = if is_status { rest.split_once(' ') } else { rest.rsplit_once(' ') }.unwrap_or((rest, ""));
        [first, rest.0, rest.1].map(str::to_owned)
    }

    /// The status code of a response; 0 when there is none.
    pub fn status(&self) -> u16 {
        self.words()[1].parse().unwrap_or(0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Body(Framing),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Complete,
    Broken,
}

/// Reads one message after the other.
#[derive(Debug)]
pub(super) struct Reader {
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

    /// Takes in what came from the socket.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
        while self.step() {}
    }

    /// The peer has closed. A body that ends with the connection is complete now.
    pub fn end(&mut self) {
        if self.state == State::Body(Framing::Close) {
            self.state = State::Complete;
        }
    }

    /// The message so far, once its header is there.
    pub fn begun(&self) -> Option<&Message> {
        (!matches!(self.state, State::Head | State::Broken)).then_some(&self.message)
    }

    /// Whether what came is no HTTP at all.
    pub fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    /// The message, once it is complete; the reader goes on with the next.
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

    /// The next line without its end, or nothing while it is incomplete.
    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.rest().iter().position(|b| *b == b'\n')?;
        let line = self.rest()[..end].strip_suffix(b"\r").unwrap_or(&self.rest()[..end]).to_vec();
        self.at += end + 1;
        Some(line)
    }

    /// Takes at most `most` bytes of body. How many there were.
    fn body(&mut self, most: u64) -> u64 {
        let n = self.rest().len().min(usize::try_from(most).unwrap_or(usize::MAX));
        self.message.body.extend_from_slice(&self.buffer[self.at..self.at + n]);
        self.at += n;
        n as u64
    }

    /// Gets as far as one step leads; whether there may be another.
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
        // RFC 9110 section 15.2: interim responses come before the one that counts. 101 is the last on its connection.
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

    /// The lines up to an empty one, or nothing while that has not come.
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

/// A header line, its name in lower case. A line without a colon is all name.
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

    /// What is read must not depend on how the bytes are cut.
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
    fn bodies_end_where_the_header_says() {
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
    fn an_incomplete_message_is_not_taken() {
        for cut in [
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab".as_slice(),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            b"HTTP/1.1 200 OK\r\n",
        ] {
            assert_eq!(read(Kind::Response, cut), None);
        }
    }

    #[test]
    fn interim_responses_are_skipped_and_messages_follow_each_other() {
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
    fn what_is_not_http_is_broken() {
        let mut r = Reader::new(Kind::Request);
        r.push(b"PRI * HTTP/2.0\r\n\r\n");
        assert!(r.is_broken());
    }
}
