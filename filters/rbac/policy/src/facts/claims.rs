//! Claims of the verified token, as an earlier filter left them.

use super::host::{Attributes, Unavailable};
use crate::expr::Value;
use tollgate_policy::{Config, ConfigError, Value as Json, config};

/// Source of the claims. Neither kind of state can be set by a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimsSource {
    /// Filter state with the payload as JSON text. Tollgate's jwt-authn writes `wasm.jwt_authn.payload`.
    FilterState(Box<str>),
    /// Dynamic metadata of Envoy's `jwt_authn` filter, and of Istio since 1.24: the member with this name
    /// (`payload_in_metadata`).
    JwtAuthn(Box<str>),
    /// Dynamic metadata of Istio's authentication filter before 1.24 (`istio_authn`).
    IstioAuthn,
}

/// Namespace of the dynamic metadata of Envoy's filter.
const JWT_AUTHN: &str = "envoy.filters.http.jwt_authn";

impl ClaimsSource {
    /// Returns the sources that are tried by default.
    pub fn defaults() -> Vec<Self> {
        vec![
            Self::FilterState("wasm.jwt_authn.payload".into()),
            Self::JwtAuthn("payload".into()),
            Self::IstioAuthn,
        ]
    }
}

/// Names of the kinds of sources in a configuration.
const KINDS: [&str; 3] = ["filter_state", "payload_in_metadata", "istio_authn"];

impl Config for ClaimsSource {
    fn blank() -> Self {
        Self::IstioAuthn
    }

    fn fill(&mut self, value: &Json) -> Result<(), ConfigError> {
        let expected = "an object with `filter_state`, `payload_in_metadata` or `istio_authn`";
        let (kind, name, content) = config::only_member(value, &KINDS, &[], expected)?;
        if kind == 2 {
            return ().fill(content).map_err(|error| error.in_member(name));
        }
        let key = config::text(content, "a name").map_err(|error| error.in_member(name))?;
        if key.is_empty() || key.contains('\0') {
            return Err(
                ConfigError::here(&format_args!("`{}` is not a name", key.escape_debug())).in_member(name)
            );
        }
        *self = if kind == 0 { Self::FilterState(key.into()) } else { Self::JwtAuthn(key.into()) };
        Ok(())
    }
}

tollgate_policy::json_schema_of!(ClaimsSource, |_generator| {
    let name = |text: &str| tollgate_policy::config::derived::schemars::json_schema!({"type": "string", "minLength": 1, "description": text});
    tollgate_policy::config::derived::schemars::json_schema!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
        "properties": {
            "filter_state": name("filter state with the payload as JSON text"),
            "payload_in_metadata": name("member of the dynamic metadata of Envoy's jwt_authn filter"),
            "istio_authn": {"type": "object", "additionalProperties": false, "description": "dynamic metadata of Istio's authentication filter"},
        },
    })
});

/// Reads the claims from the first source that has them. `Null` if none has. Claims that cannot be parsed are
/// an error: they must not count as absent.
pub(super) fn read(sources: &[ClaimsSource], host: &Attributes<'_>) -> Result<Json, Unavailable> {
    for source in sources {
        let claims = match source {
            ClaimsSource::FilterState(name) => match host.state(name)? {
                Some(payload) => Some(config::tree(&payload).map_err(|_| Unavailable)?),
                None => None,
            },
            ClaimsSource::JwtAuthn(name) => nested(host.metadata()?, &[JWT_AUTHN, name]).cloned(),
            ClaimsSource::IstioAuthn => istio(host.metadata()?),
        };
        if let Some(claims @ Json::Object(_)) = claims {
            return Ok(claims);
        }
    }
    Ok(Json::Null)
}

/// Returns the claims that Istio's filter wrote: each claim as a list of texts.
fn istio(metadata: &Json) -> Option<Json> {
    nested(metadata, &["istio_authn", "request.auth.claims"]).cloned()
}

pub(super) fn nested<'j>(mut json: &'j Json, path: &[&str]) -> Option<&'j Json> {
    for name in path {
        json = json.as_object()?.get(*name)?;
    }
    Some(json)
}

/// Visits the values of a claim. Words of a scope are separate values (RFC 8693 section 4.2), as in Istio,
/// whose filter splits `scope` and `permission`.
pub(super) fn each(claims: &Json, path: &[&str], visit: &mut dyn FnMut(Value<'_>) -> bool) {
    let words = matches!(path, ["scope" | "scp" | "permission"]);
    if let Some(claim) = nested(claims, path) {
        values(claim, words, visit);
    }
}

/// Visits the values of a member of metadata.
pub(super) fn member(
    metadata: &Json,
    namespace: &str,
    path: &[Box<str>],
    visit: &mut dyn FnMut(Value<'_>) -> bool,
) {
    let mut json = metadata.as_object().and_then(|namespaces| namespaces.get(namespace));
    for name in path {
        json = json.and_then(Json::as_object).and_then(|members| members.get(&**name));
    }
    if let Some(json) = json {
        values(json, false, visit);
    }
}

/// Visits a value, or the elements of a list. An object has no value.
fn values(json: &Json, words: bool, visit: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
    match json {
        Json::String(text) if words => {
            let mut words = text.split(' ').filter(|word| !word.is_empty());
            words.all(|word| visit(Value::Text(word.as_bytes())))
        }
        Json::String(text) => visit(Value::Text(text.as_bytes())),
        Json::Bool(truth) => visit(Value::Text(if *truth { b"true" } else { b"false" })),
        Json::Number(number) => match number.as_i64() {
            Some(number) => visit(Value::Number(number)),
            None => visit(Value::Text(number.to_string().as_bytes())),
        },
        Json::Array(list) => list.iter().all(|element| values(element, words, visit)),
        Json::Null | Json::Object(_) => true,
    }
}

/// Visits `<iss>/<sub>`, if the token has both.
pub(super) fn principal(claims: &Json, visit: &mut dyn FnMut(Value<'_>) -> bool) {
    let (mut issuer, mut subject) = (None, None);
    let first = |found: &mut Option<Vec<u8>>, value: Value<'_>| {
        if let Value::Text(text) = value {
            *found = Some(text.to_vec());
        }
        false
    };
    each(claims, &["iss"], &mut |value| first(&mut issuer, value));
    each(claims, &["sub"], &mut |value| first(&mut subject, value));
    if let (Some(issuer), Some(subject)) = (issuer, subject) {
        visit(Value::Text(&[&*issuer, b"/", &*subject].concat()));
    }
}
