//! Checks in the kernel's socket table whether a peer has read all bytes.
//!
//! Filters must receive a body in the pieces of the scenario. But TCP does not keep pieces apart: Envoy reads
//! bytes together with earlier ones that it has not read yet. `/proc/net/tcp` shows the unread bytes of both
//! ends of a loopback connection, so the sender can wait for the reader without guessing a delay.

use std::fs;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

/// Interval between two checks.
pub(super) const POLL: Duration = Duration::from_micros(500);
/// A reader that does not read for this long applies back-pressure, so the pieces no longer matter.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

/// Waits until the peer has read all bytes that we sent, at most for [`PATIENCE`].
pub(super) fn wait_until_read(us: SocketAddr, peer: SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    while unread(us, peer) && Instant::now() < deadline {
        std::thread::sleep(POLL);
    }
}

/// Whether the peer has not yet read all bytes that we sent.
pub(super) fn unread(us: SocketAddr, peer: SocketAddr) -> bool {
    let (SocketAddr::V4(us), SocketAddr::V4(peer)) = (us, peer) else { return false };
    fs::read_to_string("/proc/net/tcp").is_ok_and(|table| unread_in(&table, us, peer))
}

/// Columns of the table: number, local address, remote address, state, `tx_queue:rx_queue`, ... (proc(5)).
fn unread_in(table: &str, us: SocketAddrV4, peer: SocketAddrV4) -> bool {
    let (us, peer) = (hex(us), hex(peer));
    table.lines().any(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().take(5).collect();
        let [_, local, remote, _, queues] = columns[..] else { return false };
        let waiting = queues.split_once(':').is_some_and(|(_, rx)| rx.bytes().any(|digit| digit != b'0'));
        let sending = queues.split_once(':').is_some_and(|(tx, _)| tx.bytes().any(|digit| digit != b'0'));
        (local == peer && remote == us && waiting) || (local == us && remote == peer && sending)
    })
}

/// Formats an address as in the table: the IP address in memory order, and the port, both in hexadecimal.
fn hex(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn bytes_are_unread_until_they_are_read() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut other, _) = listener.accept().unwrap();
        let (us, peer) = (one.local_addr().unwrap(), one.peer_addr().unwrap());
        assert!(!unread(us, peer));
        one.write_all(b"abc").unwrap();
        assert!(unread(us, peer));
        other.read_exact(&mut [0; 3]).unwrap();
        assert!(!unread(us, peer));
    }
}
