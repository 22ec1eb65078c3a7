//! TLS between clients and the proxy, with test certificates from `src/testdata/tls`.

use base64::Engine;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Whether clients use TLS, and whether they need a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Plain text, without TLS.
    #[default]
    Off,
    /// TLS. A client may present a certificate, which the proxy verifies.
    CertificateOptional,
    /// TLS. The proxy rejects the connection of a client without a certificate, before it reads a request.
    CertificateRequired,
}

/// A client certificate, issued by an authority that the proxy trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// The certificate of `CN=Client A,O=Tollgate`.
    A,
    /// The certificate of `CN=Client B,O=Tollgate`.
    B,
    /// The certificate of the service `spiffe://cluster.local/ns/shop/sa/orders`. As in Istio, it has no
    /// subject and no DNS name.
    Orders,
    /// The certificate of the service `spiffe://cluster.local/ns/billing/sa/payments`. As in Istio, it has no
    /// subject and no DNS name.
    Payments,
}

/// The name in the server's certificate. Clients request it (SNI) unless the request has another server name.
pub(crate) const SERVER_NAME: &str = "tollgate.test";
/// The certificate authority of the server, which clients trust.
pub(crate) const AUTHORITY: &str = include_str!("../testdata/tls/ca.crt.pem");
/// The certificate authorities of the clients, which the proxy trusts.
pub(crate) const CLIENT_AUTHORITIES: &str =
    concat!(include_str!("../testdata/tls/ca.crt.pem"), include_str!("../testdata/tls/mesh-ca.crt.pem"));
/// The proxy's certificate and its key.
pub(crate) const SERVER: (&str, &str) =
    (include_str!("../testdata/tls/server.crt.pem"), include_str!("../testdata/tls/server.key.pem"));

impl Certificate {
    /// Returns the certificate as PEM.
    pub fn pem(self) -> &'static str {
        self.identity().0
    }

    /// Returns the certificate as DER.
    pub fn der(self) -> Vec<u8> {
        let body: String = self.pem().lines().filter(|line| !line.starts_with("-----")).collect();
        base64::engine::general_purpose::STANDARD.decode(body).expect("test certificates are valid PEM")
    }

    /// Returns the SHA-256 of the DER form. A token that is bound to this certificate has it, as base64url,
    /// in `cnf.x5t#S256` (RFC 8705).
    pub fn sha256(self) -> [u8; 32] {
        Sha256::digest(self.der()).into()
    }

    /// Returns the URI among its subject alternative names.
    pub fn uri_san(self) -> &'static str {
        match self {
            Self::A => "spiffe://tollgate.test/ns/default/sa/a",
            Self::B => "spiffe://tollgate.test/ns/default/sa/b",
            Self::Orders => "spiffe://cluster.local/ns/shop/sa/orders",
            Self::Payments => "spiffe://cluster.local/ns/billing/sa/payments",
        }
    }

    /// Returns the DNS name among its subject alternative names, if it has one.
    pub fn dns_san(self) -> Option<&'static str> {
        match self {
            Self::A => Some("a.clients.tollgate.test"),
            Self::B => Some("b.clients.tollgate.test"),
            Self::Orders | Self::Payments => None,
        }
    }

    /// Returns the subject, in the form of RFC 2253. It may be empty.
    pub fn subject(self) -> &'static str {
        match self {
            Self::A => "CN=Client A,O=Tollgate",
            Self::B => "CN=Client B,O=Tollgate",
            Self::Orders | Self::Payments => "",
        }
    }

    /// Returns the certificate and its key as PEM.
    pub(crate) fn identity(self) -> (&'static str, &'static str) {
        match self {
            Self::A => (
                include_str!("../testdata/tls/client-a.crt.pem"),
                include_str!("../testdata/tls/client-a.key.pem"),
            ),
            Self::B => (
                include_str!("../testdata/tls/client-b.crt.pem"),
                include_str!("../testdata/tls/client-b.key.pem"),
            ),
            Self::Orders => (
                include_str!("../testdata/tls/orders.crt.pem"),
                include_str!("../testdata/tls/orders.key.pem"),
            ),
            Self::Payments => (
                include_str!("../testdata/tls/payments.crt.pem"),
                include_str!("../testdata/tls/payments.key.pem"),
            ),
        }
    }
}
