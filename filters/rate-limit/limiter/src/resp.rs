//! The part of the Redis protocol (RESP 2) that is needed for a script that returns numbers.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

pub(crate) struct Connection(BufReader<TcpStream>);

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Status(String),
    Numbers(Vec<i64>),
}

impl Connection {
    pub fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    pub fn command(&mut self, parts: &[&str]) -> io::Result<Reply> {
        let mut message = format!("*{}\r\n", parts.len());
        for part in parts {
            message += &format!("${}\r\n{part}\r\n", part.len());
        }
        self.0.get_mut().write_all(message.as_bytes())?;
        let (kind, rest) = self.line()?;
        match kind {
            '+' => Ok(Reply::Status(rest)),
            '*' => (0..number(&rest)?).map(|_| self.number()).collect::<io::Result<_>>().map(Reply::Numbers),
            _ => Err(io::Error::other(format!("redis: unexpected reply `{kind}{rest}`"))),
        }
    }

    fn number(&mut self) -> io::Result<i64> {
        match self.line()? {
            (':', rest) => number(&rest),
            (kind, rest) => Err(io::Error::other(format!("redis: expected a number, got `{kind}{rest}`"))),
        }
    }

    fn line(&mut self) -> io::Result<(char, String)> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let mut line = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?.chars();
        let kind = line.next().ok_or(io::ErrorKind::InvalidData)?;
        Ok((kind, line.collect()))
    }
}

fn number(text: &str) -> io::Result<i64> {
    text.parse().map_err(io::Error::other)
}
