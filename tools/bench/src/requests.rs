//! What a row is sent: [`HEADERS`], or the same with something that differs from request to request.
//!
//! What differs comes in turn, and goes on where it stopped the round before: with 100,000 tokens each comes again after
//! 99,999 others, whatever the length of a round.

mod clients;
mod tokens;

pub use clients::Clients;
pub use tokens::{AUDIENCE, ISSUER, Tokens};

use crate::rows::{HEADERS, Row};
use std::cell::Cell;
use std::rc::Rc;
use tokens::TokenSets;

/// What differs from request to request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Varying {
    /// The token, in place of what [`HEADERS`] has for `authorization`.
    Bearer(Tokens),
    /// Who sends it: the address in `x-forwarded-for`, and the same for `x-api-key`.
    Client(Clients),
}

impl Varying {
    /// How many different requests there are.
    fn count(self) -> u32 {
        match self {
            Self::Bearer(tokens) => tokens.count,
            Self::Client(clients) => clients.count,
        }
    }

    /// What requests have in common, as far as a proxy sees that does not read them.
    #[cfg(test)]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Bearer(_) => "token",
            Self::Client(_) => "client",
        }
    }

    /// The same, and how many there are.
    #[cfg(test)]
    pub fn shape(self) -> (&'static str, u32) {
        (self.kind(), self.count())
    }
}

/// What the rows of a run are sent. What takes long to make is made once.
#[derive(Default)]
pub struct Sets {
    tokens: TokenSets,
}

impl Sets {
    /// What a row is sent.
    pub fn requests(&self, row: &Row) -> Requests {
        let varying = match row.varying {
            None => Values::None,
            Some(Varying::Bearer(tokens)) => Values::Tokens(self.tokens.get(tokens)),
            Some(Varying::Client(_)) => Values::Clients,
        };
        Requests { varying, different: row.varying.map_or(1, Varying::count), sent: Cell::new(0) }
    }
}

enum Values {
    None,
    Tokens(Rc<[String]>),
    Clients,
}

/// What a row is sent.
pub struct Requests {
    varying: Values,
    different: u32,
    /// How many were sent, or the number of the next one that differs.
    sent: Cell<u32>,
}

impl Requests {
    /// Requests that do not differ.
    #[cfg(test)]
    pub fn alike() -> Self {
        Self { varying: Values::None, different: 1, sent: Cell::new(0) }
    }

    /// How many different ones there are.
    pub fn different(&self) -> u64 {
        self.different.into()
    }

    /// The headers of the first.
    pub fn first(&self) -> Vec<(&'static str, String)> {
        self.headers(0)
    }

    /// The next one, in place of what is there.
    pub fn next(&self, request: &mut Vec<u8>) {
        let number = self.sent.get();
        self.sent.set((number + 1) % self.different);
        request.clear();
        write(request, &self.headers(number));
    }

    fn headers(&self, number: u32) -> Vec<(&'static str, String)> {
        let mut headers: Vec<_> = HEADERS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut set = |name: &'static str, value: String| {
            headers.retain(|(other, _)| *other != name);
            headers.push((name, value));
        };
        match &self.varying {
            Values::None => {}
            Values::Tokens(tokens) => {
                let token = tokens.get(number as usize).map_or("", String::as_str);
                set("authorization", format!("Bearer {token}"));
            }
            Values::Clients => {
                set(clients::ADDRESS, clients::address(number));
                set(clients::KEY, clients::address(number));
            }
        }
        headers
    }
}

/// A request with these headers.
pub fn write(request: &mut Vec<u8>, headers: &[(&'static str, String)]) {
    request.extend(b"GET /orders/17?expand=items HTTP/1.1\r\nhost: bench\r\n");
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            request.extend(part.as_bytes());
        }
    }
    request.extend(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows;

    fn requests(row: &str) -> Requests {
        Sets::default().requests(rows::all().iter().find(|other| other.name == row).unwrap())
    }

    fn next(requests: &Requests) -> String {
        let mut request = b"what was there".to_vec();
        requests.next(&mut request);
        String::from_utf8(request).unwrap()
    }

    #[test]
    fn clients_come_in_turn_and_then_anew() {
        let requests = requests("rl address 1M");
        for (number, address) in [(0, "10.100.100.100"), (1, "10.100.100.101"), (999_999, "10.199.199.199")] {
            requests.sent.set(number);
            let request = next(&requests);
            for header in ["x-forwarded-for", "x-api-key"] {
                assert_eq!(request.matches(&format!("\r\n{header}: {address}\r\n")).count(), 1, "{request}");
            }
            assert_eq!(request.matches("x-api-key").count(), 1, "{request}");
        }
        assert_eq!(requests.sent.get(), 0);
        assert_eq!(requests.first().len(), HEADERS.len() + 1);
    }

    #[test]
    fn tokens_come_in_turn_and_then_anew() {
        let requests = requests("jwt 1k seen");
        let all: std::collections::BTreeSet<String> = (0..1_500).map(|_| next(&requests)).collect();
        assert_eq!(all.len(), 1_000);
        assert!(all.iter().all(|request| request.matches("\r\nauthorization: Bearer ey").count() == 1));
    }

    #[test]
    fn requests_that_do_not_differ_are_those_of_the_list() {
        let requests = requests(rows::NONE);
        let request = next(&requests);
        assert_eq!(next(&requests), request);
        assert!(request.starts_with("GET /orders/17?expand=items HTTP/1.1\r\nhost: bench\r\naccept: "));
        assert!(request.ends_with("\r\nx-api-key: demo\r\n\r\n"));
        assert_eq!(requests.different(), 1);
    }
}
