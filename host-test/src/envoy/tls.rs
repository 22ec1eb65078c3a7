//! The client's side of TLS: one session that a thread reads and another writes.

use super::bootstrap::any;
use crate::scenario::tls::{AUTHORITY, Certificate, SERVER, SERVER_NAME, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const CONTEXT: &str = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/// The listener's side: Envoy's `transport_socket`.
pub(super) fn transport_socket(tls: Tls) -> Option<Value> {
    let pem = |text: &str| json!({ "inline_string": text });
    let required = match tls {
        Tls::Off => return None,
        Tls::CertificateOptional => false,
        Tls::CertificateRequired => true,
    };
    let context = json!({
        "require_client_certificate": required,
        "common_tls_context": {
            "tls_certificates": [{ "certificate_chain": pem(SERVER.0), "private_key": pem(SERVER.1) }],
            "validation_context": { "trusted_ca": pem(AUTHORITY) },
        },
    });
    Some(json!({ "name": "envoy.transport_sockets.tls", "typed_config": any(CONTEXT, context) }))
}

/// A connection that bytes can be written to while others are read from it.
pub(super) enum Socket {
    Plain(TcpStream),
    Tls(TcpStream, Box<Mutex<ClientConnection>>),
}

impl Socket {
    /// Shakes hands, if it is to be TLS. That a certificate is missing or refused shows when something is read.
    pub fn new(mut stream: TcpStream, tls: Tls, certificate: Option<Certificate>) -> io::Result<Self> {
        if tls == Tls::Off {
            assert!(certificate.is_none(), "a certificate is shown over TLS: set `settings.tls`");
            return Ok(Self::Plain(stream));
        }
        let name = ServerName::try_from(SERVER_NAME).map_err(io::Error::other)?;
        let mut session = ClientConnection::new(config(certificate), name).map_err(io::Error::other)?;
        session.complete_io(&mut stream)?;
        Ok(Self::Tls(stream, Box::new(Mutex::new(session))))
    }

    /// Writes all of it.
    pub fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => (&mut &*stream).write_all(bytes),
            Self::Tls(stream, session) => {
                let mut wire = Vec::new();
                let mut left = bytes;
                while !left.is_empty() {
                    let mut session = lock(session);
                    left = &left[session.writer().write(left)?..];
                    while session.wants_write() {
                        session.write_tls(&mut wire)?;
                    }
                }
                // Not under the lock: a proxy that does not read any more may have answered.
                (&mut &*stream).write_all(&wire)
            }
        }
    }

    /// Reads what there is, waiting for some. Nothing is the end.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (stream, session) = match self {
            Self::Plain(stream) => return (&mut &*stream).read(buffer),
            Self::Tls(stream, session) => (stream, session),
        };
        let mut wire = vec![0; 16 * 1024];
        loop {
            match lock(session).reader().read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                // The end of the connection, which TLS was not told of before.
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                told => return told,
            }
            let came = (&mut &*stream).read(&mut wire)?;
            let mut session = lock(session);
            let mut left = &wire[..came];
            loop {
                session.read_tls(&mut left)?;
                session.process_new_packets().map_err(io::Error::other)?;
                if left.is_empty() {
                    break;
                }
            }
        }
    }
}

fn lock(session: &Mutex<ClientConnection>) -> MutexGuard<'_, ClientConnection> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

fn config(certificate: Option<Certificate>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(AUTHORITY.as_bytes()).expect("ours is PEM");
    roots.add(authority).expect("ours is a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls_graviola::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has what TLS 1.2 and 1.3 need")
        .with_root_certificates(roots);
    let Some(certificate) = certificate else { return Arc::new(config.with_no_client_auth()) };
    let (chain, key) = certificate.identity();
    let chain = CertificateDer::from_pem_slice(chain.as_bytes()).expect("ours is PEM");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("ours is PEM");
    Arc::new(config.with_client_auth_cert(vec![chain], key).expect("the key is the certificate's"))
}
