//! TLS of the client and of Envoy's listener. One thread reads the client's session while another writes it.

use super::bootstrap::any;
use crate::Request;
use crate::scenario::tls::{AUTHORITY, CLIENT_AUTHORITIES, Certificate, SERVER, SERVER_NAME, Tls};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const INSPECTOR: &str = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
const CONTEXT: &str = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/// Builds the `transport_socket` of Envoy's listener.
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
            "validation_context": { "trusted_ca": pem(CLIENT_AUTHORITIES) },
        },
    });
    Some(json!({ "name": "envoy.transport_sockets.tls", "typed_config": any(CONTEXT, context) }))
}

/// Builds the listener filter that reads the server name that a client requests.
pub(super) fn inspector() -> Value {
    json!({ "name": "envoy.filters.listener.tls_inspector", "typed_config": any(INSPECTOR, json!({})) })
}

/// A connection that one thread can read while another writes it.
pub(super) enum Socket {
    Plain(TcpStream),
    Tls(TcpStream, Box<Mutex<ClientConnection>>),
}

impl Socket {
    /// Performs the TLS handshake, unless TLS is off. If the proxy rejects the certificate, the first read
    /// fails.
    pub fn new(mut stream: TcpStream, tls: Tls, request: &Request) -> io::Result<Self> {
        if tls == Tls::Off {
            return Ok(Self::Plain(stream));
        }
        let requested = request.server_name.as_deref().unwrap_or(SERVER_NAME);
        let mut config = config(request.certificate);
        config.enable_sni = !requested.is_empty();
        let name = if requested.is_empty() { SERVER_NAME } else { requested };
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| io::Error::other(format!("invalid server name `{name}`, expected a DNS name")))?;
        let mut session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        session.complete_io(&mut stream)?;
        Ok(Self::Tls(stream, Box::new(Mutex::new(session))))
    }

    /// Writes all bytes.
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
                // Without the lock: a proxy that has stopped reading may have sent a response, which the
                // reader needs.
                (&mut &*stream).write_all(&wire)
            }
        }
    }

    /// Waits for bytes and reads them. Returns 0 at the end of the connection.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (stream, session) = match self {
            Self::Plain(stream) => return (&mut &*stream).read(buffer),
            Self::Tls(stream, session) => (stream, session),
        };
        let mut wire = vec![0; 16 * 1024];
        loop {
            match lock(session).reader().read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                // The connection ended without a TLS `close_notify`.
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                result => return result,
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

fn config(certificate: Option<Certificate>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let authority =
        CertificateDer::from_pem_slice(AUTHORITY.as_bytes()).expect("test certificates are valid PEM");
    roots.add(authority).expect("the test authority is a valid certificate");
    let provider = Arc::new(rustls_graviola::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .expect("the test authority is a valid certificate");
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyName(verifier)));
    let Some(certificate) = certificate else { return config.with_no_client_auth() };
    let (chain, key) = certificate.identity();
    let chain = CertificateDer::from_pem_slice(chain.as_bytes()).expect("test certificates are valid PEM");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("test keys are valid PEM");
    config.with_client_auth_cert(vec![chain], key).expect("the key belongs to the certificate")
}

/// Verifies the server's certificate as usual, but for [`SERVER_NAME`], whichever name the client requests.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _requested: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let name = ServerName::try_from(SERVER_NAME).expect("the server's name is a DNS name");
        self.0.verify_server_cert(certificate, intermediates, &name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
