//! The requests of a row: [`HEADERS`], or the same headers with a value that changes from request to request.
//!
//! The values cycle through a list, and each round continues where the previous one stopped. With 100,000
//! tokens, each token is sent again after 99,999 others, regardless of the length of a round.

mod clients;
mod tokens;

pub use clients::Clients;
pub use tokens::{AUDIENCE, ISSUER, Tokens};

use crate::rows::{HEADERS, Row};
use std::cell::Cell;
use std::rc::Rc;
use tokens::TokenSets;

/// The value that changes from request to request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Varying {
    /// The token in `authorization`, in place of that in [`HEADERS`].
    Bearer(Tokens),
    /// The client: its address is in `x-forwarded-for` and in `x-api-key`.
    Client(Clients),
}

impl Varying {
    /// Number of different requests.
    fn count(self) -> u32 {
        match self {
            Self::Bearer(tokens) => tokens.count,
            Self::Client(clients) => clients.count,
        }
    }

    /// The kind of value that changes.
    #[cfg(test)]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Bearer(_) => "token",
            Self::Client(_) => "client",
        }
    }

    /// The kind of value that changes, and the number of different requests.
    #[cfg(test)]
    pub fn shape(self) -> (&'static str, u32) {
        (self.kind(), self.count())
    }
}

/// The requests of all rows of a run. Sets that are slow to generate are generated once.
#[derive(Default)]
pub struct Sets {
    tokens: TokenSets,
}

impl Sets {
    /// Returns the requests of a row.
    pub fn requests(&self, row: &Row) -> Requests {
        let varying = match row.varying {
            None => Values::None,
            Some(Varying::Bearer(tokens)) => Values::Tokens(self.tokens.get(tokens)),
            Some(Varying::Client(_)) => Values::Clients,
        };
        Requests { varying, different: row.varying.map_or(1, Varying::count), next: Cell::new(0) }
    }
}

enum Values {
    None,
    Tokens(Rc<[String]>),
    Clients,
}

/// The requests of a row.
pub struct Requests {
    varying: Values,
    different: u32,
    /// Index of the next request.
    next: Cell<u32>,
}

impl Requests {
    /// Creates requests that do not change.
    #[cfg(test)]
    pub fn constant() -> Self {
        Self { varying: Values::None, different: 1, next: Cell::new(0) }
    }

    /// Number of different requests.
    pub fn different(&self) -> u64 {
        self.different.into()
    }

    /// Returns the headers of the first request.
    pub fn first(&self) -> Vec<(&'static str, String)> {
        self.headers(0)
    }

    /// Writes the next request, in place of the contents of the buffer.
    pub fn next(&self, request: &mut Vec<u8>) {
        let number = self.next.get();
        self.next.set((number + 1) % self.different);
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

/// Writes a request with these headers.
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
        let mut request = b"old contents".to_vec();
        requests.next(&mut request);
        String::from_utf8(request).unwrap()
    }

    #[test]
    fn cycles_through_clients() {
        let requests = requests("rl address 1M");
        for (number, address) in [(0, "10.100.100.100"), (1, "10.100.100.101"), (999_999, "10.199.199.199")] {
            requests.next.set(number);
            let request = next(&requests);
            for header in ["x-forwarded-for", "x-api-key"] {
                assert_eq!(request.matches(&format!("\r\n{header}: {address}\r\n")).count(), 1, "{request}");
            }
            assert_eq!(request.matches("x-api-key").count(), 1, "{request}");
        }
        assert_eq!(requests.next.get(), 0);
        assert_eq!(requests.first().len(), HEADERS.len() + 1);
    }

    #[test]
    fn cycles_through_tokens() {
        let requests = requests("jwt 1k cached");
        let all: std::collections::BTreeSet<String> = (0..1_500).map(|_| next(&requests)).collect();
        assert_eq!(all.len(), 1_000);
        assert!(all.iter().all(|request| request.matches("\r\nauthorization: Bearer ey").count() == 1));
    }

    #[test]
    fn sends_constant_requests_by_default() {
        let requests = requests(rows::NONE);
        let request = next(&requests);
        assert_eq!(next(&requests), request);
        assert!(request.starts_with("GET /orders/17?expand=items HTTP/1.1\r\nhost: bench\r\naccept: "));
        assert!(request.ends_with("\r\nx-api-key: demo\r\n\r\n"));
        assert_eq!(requests.different(), 1);
    }
}
