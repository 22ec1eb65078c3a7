//! A real Envoy with the filter, and clients with persistent connections. A scenario cannot do this: it sends
//! one request after another.

use crate::support::filter;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tollgate_host_test::envoy::bootstrap::{
    INGRESS, any_host, bootstrap, connection_manager, listener, wasm,
};
use tollgate_host_test::envoy::{Options, Process};

/// Starts an Envoy that answers admitted requests itself, with 200 and no body. Rejections have no body
/// either.
pub fn envoy(config: Value, workers: usize) -> Process {
    envoy_with(config, workers, Vec::new())
}

/// Starts such an Envoy with other filters of Envoy after this one.
pub fn envoy_with(mut config: Value, workers: usize, behind: Vec<Value>) -> Process {
    config["response"] = json!({"body_format": "empty", "rate_limit_headers": false});
    let answers = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
    let filters = [vec![wasm(&filter().config(config))], behind].concat();
    let manager = connection_manager(filters, &[any_host(&[answers])]);
    let listener = listener(INGRESS, ([127, 0, 0, 1], 0).into(), manager);
    let options = Options { workers, ..Options::default() };
    Process::start(&bootstrap(&[listener], &[]), &options).unwrap()
}

/// Where it listens.
pub fn address(envoy: &Process) -> SocketAddr {
    envoy.listener(INGRESS)
}

/// A client's connection.
pub struct Client(TcpStream);

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        connection.set_nodelay(true).unwrap();
        Self(connection)
    }

    /// Whether a request with this key, in `x-key`, is admitted.
    pub fn is_admitted(&mut self, key: &str) -> bool {
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\nx-key: {key}\r\n\r\n");
        self.0.write_all(request.as_bytes()).unwrap();
        let (mut text, mut piece) = (String::new(), [0; 4096]);
        while !text.ends_with("\r\n\r\n") {
            let read = self.0.read(&mut piece).unwrap();
            assert!(read > 0, "the connection was closed: {text}");
            text.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        }
        match text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)) {
            Some("200") => true,
            Some("429") => false,
            _ => panic!("{text}"),
        }
    }
}
