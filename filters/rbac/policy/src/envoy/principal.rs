//! Principals.

use super::header;
use super::metadata;
use super::object::{Extension, Message, Read, always, list};
use super::text::{Pattern, in_network, url_path};
use crate::{Attribute, Expr};
use tollgate_policy::config::variant;
use tollgate_policy::{ConfigError, Value};

/// Reads Envoy's `Principal`.
#[inline(never)]
pub(super) fn principal(value: &Value) -> Result<Expr, ConfigError> {
    let names = &[
        "any",
        "and_ids",
        "or_ids",
        "not_id",
        "authenticated",
        "custom",
        "source_ip",
        "direct_remote_ip",
        "remote_ip",
        "header",
        "url_path",
        "filter_state",
        "metadata",
        "sourced_metadata",
    ];
    let (kind, field) = Message::read(value, names)?.one(&[])?;
    let read: Read<Expr> = match kind {
        "any" => |value| always(value).map(|()| Expr::TRUE),
        "and_ids" => |value| set(value).map(Expr::All),
        "or_ids" => |value| set(value).map(Expr::Any),
        "not_id" => |value| principal(value).map(Expr::not),
        "authenticated" => authenticated,
        "custom" => custom,
        // `source_ip` is deprecated. It differs from `direct_remote_ip` only with the PROXY protocol.
        "source_ip" | "direct_remote_ip" => |value| in_network(value, Attribute::PeerAddress),
        "remote_ip" => |value| in_network(value, Attribute::RemoteAddress),
        "header" => header::matcher,
        "url_path" => url_path,
        "filter_state" => metadata::filter_state,
        "metadata" => metadata::dynamic,
        _ => metadata::sourced,
    };
    field.read(read)
}

fn set(value: &Value) -> Result<Vec<Expr>, ConfigError> {
    let ids = Message::read(value, &["ids"])?.required("ids")?;
    ids.read(|value| list(value, 1, principal))
}

/// Returns a test that the peer has a certificate.
fn has_certificate() -> Expr {
    Expr::one_of(Attribute::MutualTls, ["true"])
}

/// Reads Envoy's `Authenticated`. Like Envoy, tries the URI SAN, the DNS SAN and the subject. Without a name,
/// every peer with TLS matches, even without a certificate.
fn authenticated(value: &Value) -> Result<Expr, ConfigError> {
    let message = Message::read(value, &["principal_name"])?;
    let Some(field) = message.get("principal_name") else { return Ok(Expr::present(Attribute::TlsVersion)) };
    field.read(|value| {
        let pattern = Pattern::read(value)?;
        pattern.check_identity()?;
        let mut tests = Vec::new();
        for attribute in [Attribute::UriSan, Attribute::DnsSan, Attribute::Subject] {
            tests.push(pattern.test(attribute)?);
        }
        Ok(Expr::Any(tests))
    })
}

const MTLS: &str = "envoy.extensions.rbac.principals.mtls_authenticated.v3.Config";

/// Reads the extension `envoy.rbac.principals.mtls_authenticated`.
fn custom(value: &Value) -> Result<Expr, ConfigError> {
    let extension = Extension::read(value)?;
    if extension.kind != MTLS {
        return Err(extension.unsupported(&[MTLS]));
    }
    let names = &["@type", "san_matcher", "any_validated_client_certificate"];
    extension.message(names, |message| {
        let any = message.flag("any_validated_client_certificate")?;
        match message.get("san_matcher") {
            Some(field) => Ok(has_certificate().and(field.read(san_matcher)?)),
            None if any => Ok(has_certificate()),
            None => Err(ConfigError::here(
                &"expected `san_matcher`, or `any_validated_client_certificate` with the value `true`",
            )),
        }
    })
}

/// Reads Envoy's `SubjectAltNameMatcher`.
fn san_matcher(value: &Value) -> Result<Expr, ConfigError> {
    let names = &["san_type", "matcher"];
    let message = Message::read_instead(value, names, &[("oid", "not supported, use `san_type` `URI`")])?;
    let kind = message.required("san_type")?.read(|value| variant(value, &["DNS", "URI"]))?;
    let matcher = message.required("matcher")?;
    if kind == 1 {
        return matcher.read(|value| {
            let pattern = Pattern::read(value)?;
            pattern.check_identity()?;
            pattern.test(Attribute::UriSan)
        });
    }
    matcher.read(|value| {
        let pattern = Pattern::read(value)?;
        let Some((name, (_, domain))) = pattern.exact().and_then(|name| Some((name, name.split_once('.')?)))
        else {
            return pattern.test(Attribute::DnsSan);
        };
        // A certificate of `*.example.com` is valid for `a.example.com`.
        let mut tests = Vec::new();
        for name in [name, &format!("*.{domain}")] {
            tests.push(Pattern::new("exact", name).ignoring_case().test(Attribute::DnsSan)?);
        }
        Ok(Expr::Any(tests))
    })
}
