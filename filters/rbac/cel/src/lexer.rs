//! Tokens of a text.

use crate::{Error, Position, literal};
use std::rc::Rc;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'t> {
    /// The end of the text.
    End,
    /// An identifier or a keyword.
    Name(&'t str),
    /// A name in backticks.
    Quoted(&'t str),
    /// Digits of an integer without a sign.
    Int(u64),
    /// An integer with the suffix `u`.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// A text.
    String(Rc<[u8]>),
    /// Bytes.
    Bytes(Rc<[u8]>),
    /// Punctuation.
    Symbol(&'static str),
}

/// Punctuation, longer ones first.
const SYMBOLS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")",
    "[", "]", "{", "}",
];

/// The rest of a text.
pub(crate) struct Lexer<'t> {
    rest: &'t str,
    line: usize,
    column: usize,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { rest: text, line: 1, column: 1 }
    }

    /// Returns the position of the next character.
    pub(crate) fn position(&self) -> Position {
        let bounded = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        Position { line: bounded(self.line), column: bounded(self.column) }
    }

    /// Skips `length` bytes and returns them.
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        for c in taken.chars() {
            self.column += 1;
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            }
        }
        taken
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'t str {
        let length = self.rest.bytes().take_while(|byte| accept(*byte)).count();
        self.take(length)
    }

    /// Skips white space and comments.
    pub(crate) fn skip_space(&mut self) {
        loop {
            self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c'));
            if !self.rest.starts_with("//") {
                return;
            }
            self.take_while(|byte| byte != b'\n');
        }
    }

    /// Returns the next token. Call [`Self::skip_space`] first.
    pub(crate) fn token(&mut self) -> Result<Token<'t>, Error> {
        let position = self.position();
        let mut bytes = self.rest.bytes();
        let Some(first) = bytes.next() else { return Ok(Token::End) };
        if first.is_ascii_digit() || first == b'.' && bytes.next().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.number(position);
        }
        if matches!(first, b'"' | b'\'') {
            return self.string("");
        }
        if is_name(first) {
            let name = self.take_while(is_name);
            let is_prefix = matches!(name, "r" | "R" | "b" | "B" | "br" | "bR" | "Br" | "BR");
            if is_prefix && self.rest.starts_with(['"', '\'']) {
                return self.string(name);
            }
            return Ok(Token::Name(name));
        }
        if first == b'`' {
            self.take(1);
            let name = self.take_while(|byte| is_name(byte) || is_quoted(byte));
            if name.is_empty() || !self.rest.starts_with('`') {
                return Err(Error::at(position, &["invalid name in backticks"]));
            }
            self.take(1);
            return Ok(Token::Quoted(name));
        }
        match SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol)) {
            Some(symbol) => {
                self.take(symbol.len());
                Ok(Token::Symbol(symbol))
            }
            None => {
                let found = self.rest.chars().next().unwrap_or(' ').escape_debug().to_string();
                Err(Error::at(position, &["unexpected character `", &found, "`"]))
            }
        }
    }

    fn number(&mut self, position: Position) -> Result<Token<'t>, Error> {
        let is_unsigned = |lexer: &mut Self| {
            let suffix = lexer.rest.starts_with(['u', 'U']);
            if suffix {
                lexer.take(1);
            }
            suffix
        };
        let too_large = |digits: &str| Error::at(position, &["number `", digits, "` is out of range"]);
        if self.rest.starts_with("0x") {
            self.take(2);
            let digits = self.take_while(|byte| byte.is_ascii_hexdigit());
            if digits.is_empty() {
                return Err(Error::at(position, &["`0x` without hexadecimal digits"]));
            }
            let value = u64::from_str_radix(digits, 16).map_err(|_| too_large(digits))?;
            return Ok(if is_unsigned(self) { Token::Uint(value) } else { Token::Int(value) });
        }
        let length = literal::number_length(self.rest);
        let text = self.take(length);
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let value = text.parse().map_err(|_| too_large(text))?;
            return Ok(if is_unsigned(self) { Token::Uint(value) } else { Token::Int(value) });
        }
        literal::double(text).map(Token::Double).ok_or_else(|| too_large(text))
    }

    fn string(&mut self, prefix: &str) -> Result<Token<'t>, Error> {
        let position = self.position();
        let raw = prefix.contains(['r', 'R']);
        let bytes = prefix.contains(['b', 'B']);
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| self.rest.starts_with(quote));
        let quote = quote.unwrap_or_default();
        self.take(quote.len());
        let mut value = Vec::new();
        while !self.rest.starts_with(quote) {
            let Some(c) = self.rest.chars().next() else {
                return Err(Error::at(position, &["the string does not end"]));
            };
            if quote.len() == 1 && matches!(c, '\n' | '\r') {
                return Err(Error::at(position, &["the string does not end before the end of the line"]));
            }
            if c == '\\' && !raw {
                let length = literal::unescape(self.rest, bytes, &mut value);
                let length =
                    length.ok_or_else(|| Error::at(self.position(), &["invalid escape sequence"]))?;
                self.take(length);
            } else {
                value.extend_from_slice(self.take(c.len_utf8()).as_bytes());
            }
        }
        self.take(quote.len());
        Ok(if bytes { Token::Bytes(value.into()) } else { Token::String(value.into()) })
    }
}

/// Returns whether a byte can be part of an identifier.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns whether a byte can be part of a name in backticks only.
fn is_quoted(byte: u8) -> bool {
    matches!(byte, b'.' | b'-' | b'/' | b' ')
}

/// Returns whether a text is an identifier, or a keyword.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.bytes().all(is_name) && !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Returns whether a text can be written as a name in backticks.
pub(crate) fn is_quotable(text: &str) -> bool {
    text.bytes().all(|byte| is_name(byte) || is_quoted(byte)) && !text.is_empty()
}
