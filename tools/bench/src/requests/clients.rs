//! Clients. The address of a client is computed from its number, so that a million clients need no list.

/// Clients that differ in their address, which is also their API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clients {
    /// Number of clients, at most a million. All addresses have the same length.
    pub count: u32,
}

/// The header from which the proxy takes the address of a client.
pub(super) const ADDRESS: &str = "x-forwarded-for";
/// The header with the API key of a client.
pub(super) const KEY: &str = "x-api-key";

/// Computes the address of a client.
pub(super) fn address(client: u32) -> String {
    let (high, middle, low) = (client / 10_000, client / 100 % 100, client % 100);
    format!("10.{}.{}.{}", 100 + high, 100 + middle, 100 + low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_million_clients_have_distinct_addresses() {
        let addresses: std::collections::BTreeSet<Ipv4Addr> =
            (0..1_000_000).map(|client| address(client).parse().unwrap()).collect();
        assert_eq!(addresses.len(), 1_000_000);
        assert_eq!([address(0), address(999_999)], ["10.100.100.100", "10.199.199.199"]);
    }
}
