//! Formats HTTP/1.1 messages.

use crate::{Headers, Waits};
use std::time::Duration;

/// A message to format. The head belongs to the first piece of the body, and the end of the message to the
/// last piece. Framing fields are added after `headers`, unless `headers` contain some.
pub(crate) struct Outgoing<'a> {
    /// The first line, without its line end.
    pub start: String,
    /// Fields that precede all others.
    pub first: &'a [(&'a str, &'a str)],
    pub headers: &'a Headers,
    pub body: &'a [Vec<u8>],
    pub trailers: &'a Headers,
    /// Times to wait before pieces of the body. With one before the first piece, the head is a piece of its
    /// own.
    pub waits: &'a Waits,
    /// Whether an empty body has a `content-length: 0`. Requests omit it.
    pub with_empty_length: bool,
}

impl Outgoing<'_> {
    pub fn pieces(&self) -> Vec<Vec<u8>> {
        let given = |name| self.headers.get(name).is_some();
        let several = self.body.len() > 1 || !self.trailers.0.is_empty();
        let chunked = given("transfer-encoding") || (several && !given("content-length"));
        let mut head = format!("{}\r\n", self.start).into_bytes();
        for (name, value) in self.first {
            field(&mut head, name.as_bytes(), value.as_bytes());
        }
        fields(&mut head, self.headers);
        if chunked && !given("transfer-encoding") {
            field(&mut head, b"transfer-encoding", b"chunked");
        }
        if !chunked && !given("content-length") && (self.with_empty_length || !self.body.is_empty()) {
            let length: usize = self.body.iter().map(Vec::len).sum();
            field(&mut head, b"content-length", length.to_string().as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        let mut pieces = vec![head];
        for (i, piece) in self.body.iter().enumerate() {
            let piece = if chunked { chunk(piece) } else { piece.clone() };
            match i {
                0 if !self.waits.contains_key(&0) => pieces[0].extend_from_slice(&piece),
                _ => pieces.push(piece),
            }
        }
        if chunked && let Some(last) = pieces.last_mut() {
            last.extend_from_slice(b"0\r\n");
            fields(last, self.trailers);
            last.extend_from_slice(b"\r\n");
        }
        pieces
    }
}

/// Returns the time to wait before a piece that [`Outgoing::pieces`] returns.
pub(crate) fn wait_before(waits: &Waits, piece: usize) -> Duration {
    let heads = usize::from(waits.contains_key(&0));
    piece.checked_sub(heads).and_then(|index| waits.get(&index)).copied().unwrap_or_default()
}

/// Formats a chunk. An empty chunk would end the body, so an empty piece becomes nothing.
pub(crate) fn chunk(piece: &[u8]) -> Vec<u8> {
    if piece.is_empty() {
        return Vec::new();
    }
    let mut out = format!("{:x}\r\n", piece.len()).into_bytes();
    out.extend_from_slice(piece);
    out.extend_from_slice(b"\r\n");
    out
}

fn fields(out: &mut Vec<u8>, headers: &Headers) {
    for (name, value) in &headers.0 {
        field(out, name, value);
    }
}

/// Appends a field with its line end.
pub(crate) fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Response;

    fn written(response: &Response) -> Vec<String> {
        let pieces = Outgoing {
            start: "HTTP/1.1 200 OK".into(),
            first: &[("host", "h")],
            headers: &response.headers,
            body: &response.body,
            trailers: &response.trailers,
            waits: &response.waits,
            with_empty_length: true,
        }
        .pieces();
        pieces.iter().map(|p| p.escape_ascii().to_string()).collect()
    }

    #[test]
    fn one_piece_has_a_length_and_several_are_chunked() {
        let one = Response::new(200).header("X", b"\xff").chunk("abc");
        assert_eq!(
            written(&one),
            ["HTTP/1.1 200 OK\\r\\nhost: h\\r\\nX: \\xff\\r\\ncontent-length: 3\\r\\n\\r\\nabc"]
        );
        let two = Response::new(200).chunk("abc").chunk("").chunk("d").trailer("t", "v");
        let head = "HTTP/1.1 200 OK\\r\\nhost: h\\r\\ntransfer-encoding: chunked\\r\\n\\r\\n3\\r\\nabc\\r\\n";
        assert_eq!(written(&two), [head, "", "1\\r\\nd\\r\\n0\\r\\nt: v\\r\\n\\r\\n"]);
        assert!(written(&Response::new(200))[0].contains("content-length: 0"));
    }

    #[test]
    fn a_wait_before_the_first_piece_separates_the_head() {
        let (long, short) = (Duration::from_secs(2), Duration::from_secs(1));
        let response = Response::new(200).wait(long).chunk("a").chunk("b").wait(short).chunk("");
        let pieces = written(&response);
        assert!(pieces[0].ends_with("chunked\\r\\n\\r\\n"));
        assert_eq!(pieces[1..], ["1\\r\\na\\r\\n", "1\\r\\nb\\r\\n", "0\\r\\n\\r\\n"]);
        let waits: Vec<_> = (0..4).map(|piece| wait_before(&response.waits, piece)).collect();
        assert_eq!(waits, [Duration::ZERO, long, Duration::ZERO, short]);
        let later = Response::new(200).chunk("a").wait(short).chunk("b");
        assert_eq!((written(&later).len(), wait_before(&later.waits, 1)), (2, short));
    }

    #[test]
    fn keeps_the_framing_of_the_message() {
        let short = Response::new(200).header("content-length", "9").chunk("abc");
        assert_eq!(written(&short), ["HTTP/1.1 200 OK\\r\\nhost: h\\r\\ncontent-length: 9\\r\\n\\r\\nabc"]);
    }
}
