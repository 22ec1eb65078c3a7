//! Keys of `when`.

use crate::Attribute;
use tollgate_policy::ConfigError;

/// Keys without arguments. Each is the name of an [`Attribute`].
const PLAIN: [&str; 12] = [
    "source.ip",
    "remote.ip",
    "source.namespace",
    "source.principal",
    "source.serviceAccount",
    "source.trustDomain",
    "request.auth.principal",
    "request.auth.audiences",
    "request.auth.presenter",
    "destination.ip",
    "destination.port",
    "connection.sni",
];

/// Returns the attribute of a key.
pub(super) fn attribute(key: &str) -> Result<Attribute, ConfigError> {
    let attribute = if PLAIN.contains(&key) { key.parse().ok() } else { bracketed(key)? };
    attribute.ok_or_else(|| unknown(key))
}

/// Returns the attribute of a key with a name in brackets, or `None` if the key is unknown.
fn bracketed(key: &str) -> Result<Option<Attribute>, ConfigError> {
    let Some((name, rest)) = key.split_once('[') else { return Ok(None) };
    let argument = rest.strip_suffix(']').filter(|argument| !argument.is_empty());
    let Some(argument) = argument else { return Ok(None) };
    match name {
        "request.headers" | "request.experimental.inline.headers" => header(argument).map(Some),
        "request.auth.claims" => Ok(key.parse().ok()),
        _ => {
            let filter = name.strip_prefix("experimental.");
            let filter = filter.filter(|filter| filter.len() > FILTERS.len() && filter.starts_with(FILTERS));
            let Some(filter) = filter else { return Ok(None) };
            // Istio takes `a][b` as the name of one member.
            if argument.contains(['[', ']']) {
                let message = format!(
                    "`{key}` has several members in brackets, expected one: Istio does not nest them"
                );
                return Err(ConfigError::here(&message));
            }
            Ok(Some(Attribute::Metadata(filter.into(), [argument.into()].into())))
        }
    }
}

const FILTERS: &str = "envoy.filters.";

/// Returns the attribute of a header. Envoy stores `host` as `:authority`.
fn header(name: &str) -> Result<Attribute, ConfigError> {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        ":authority" | "host" => Ok(Attribute::Host),
        ":method" => Ok(Attribute::Method),
        ":scheme" => Ok(Attribute::Scheme),
        ":path" => Err(ConfigError::here(&"`:path` is not an ordinary header, use `to[].operation.paths`")),
        _ => lower.parse().map(Attribute::Header).map_err(|error| ConfigError::here(&error)),
    }
}

#[inline(never)]
fn unknown(key: &str) -> ConfigError {
    let mut message = format!("unknown key `{key}`, expected one of ");
    for name in PLAIN {
        message = message + "`" + name + "`, ";
    }
    message += "`request.headers[NAME]`, `request.auth.claims[NAME]`, `experimental.envoy.filters.NAME[KEY]`";
    ConfigError::here(&message)
}
