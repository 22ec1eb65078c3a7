//! Attributes of a client connection with TLS (Envoy, `source/extensions/filters/common/expr/context.cc`,
//! `ConnectionWrapper`).

use super::state::Value;
use crate::scenario::tls::SERVER_NAME;
use crate::{Certificate, Settings, Tls};

/// The TLS version that client and server negotiate.
const VERSION: &str = "TLSv1.3";
/// The subject of the server's certificate.
const SERVER_SUBJECT: &str = "CN=tollgate.test,O=Tollgate";

/// Returns an attribute of `connection`. `requested` is the server name that the client requested.
pub(crate) fn attribute(
    settings: &Settings,
    shown: Option<Certificate>,
    requested: Option<&str>,
    name: &str,
) -> Option<Value> {
    let text = |text: &str| Some(Value::Str(text.into()));
    match (settings.tls, name) {
        (_, "mtls") => Some(Value::Bool(shown.is_some())),
        // Only a listener with a TLS inspector knows the name.
        (Tls::CertificateOptional | Tls::CertificateRequired, "requested_server_name")
            if settings.tls_inspector =>
        {
            Some(Value::Str(requested.unwrap_or(SERVER_NAME).to_ascii_lowercase()))
        }
        (_, "requested_server_name") => text(""),
        (Tls::Off, _) => None,
        (_, "dns_san_local_certificate") => text(SERVER_NAME),
        (_, "tls_version") => text(VERSION),
        (_, "subject_local_certificate") => text(SERVER_SUBJECT),
        (_, "subject_peer_certificate") => text(shown.map_or("", Certificate::subject)),
        (_, "uri_san_peer_certificate") => text(shown?.uri_san()),
        (_, "dns_san_peer_certificate") => text(shown?.dns_san()?),
        (_, "peer_certificate") => text(shown?.pem()),
        (_, "sha256_peer_certificate_digest") => {
            let digits = shown?.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
            Some(Value::Str(digits))
        }
        _ => None,
    }
}
