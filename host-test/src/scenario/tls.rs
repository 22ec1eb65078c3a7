//! TLS between clients and the proxy, with certificates that are made for tests (`src/testdata/tls`).

use base64::Engine;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Whether clients speak TLS, and what of themselves they must show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Plain text.
    #[default]
    Off,
    /// TLS. A client may show a certificate, which is checked.
    CertificateOptional,
    /// TLS. A client without a certificate is turned away before it has sent a request.
    CertificateRequired,
}

/// The certificate of a client, of an authority that the proxy trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// `CN=Client A,O=Tollgate`.
    A,
    /// `CN=Client B,O=Tollgate`.
    B,
}

/// What the server is called: the name in its certificate, and the one that clients ask for.
pub(crate) const SERVER_NAME: &str = "tollgate.test";
/// Whom both sides trust.
pub(crate) const AUTHORITY: &str = include_str!("../testdata/tls/ca.crt.pem");
/// The proxy's certificate and its key.
pub(crate) const SERVER: (&str, &str) =
    (include_str!("../testdata/tls/server.crt.pem"), include_str!("../testdata/tls/server.key.pem"));

impl Certificate {
    /// PEM.
    pub fn pem(self) -> &'static str {
        self.identity().0
    }

    /// DER.
    pub fn der(self) -> Vec<u8> {
        let body: String = self.pem().lines().filter(|line| !line.starts_with("-----")).collect();
        base64::engine::general_purpose::STANDARD.decode(body).expect("a certificate of ours is PEM")
    }

    /// The SHA-256 of its DER: what `cnf.x5t#S256` of a token that is bound to it says in base64url (RFC 8705).
    pub fn sha256(self) -> [u8; 32] {
        Sha256::digest(self.der()).into()
    }

    /// The URI among its names.
    pub fn uri_san(self) -> &'static str {
        match self {
            Self::A => "spiffe://tollgate.test/ns/default/sa/a",
            Self::B => "spiffe://tollgate.test/ns/default/sa/b",
        }
    }

    /// The DNS name among its names.
    pub fn dns_san(self) -> &'static str {
        match self {
            Self::A => "a.clients.tollgate.test",
            Self::B => "b.clients.tollgate.test",
        }
    }

    /// Whose it is (RFC 2253).
    pub fn subject(self) -> &'static str {
        match self {
            Self::A => "CN=Client A,O=Tollgate",
            Self::B => "CN=Client B,O=Tollgate",
        }
    }

    /// The certificate and its key, as PEM.
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
        }
    }
}
