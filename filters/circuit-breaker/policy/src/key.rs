//! Keys of requests: which state of a breaker a request belongs to.

use crate::Environment;
use tollgate_counting::Failure;
use tollgate_counting::table::{KeyHasher, Place};
use tollgate_policy::{HeaderName, RequestFacts};

/// A part of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// An attribute of the proxy, by the path for `get_property`.
    Property(String),
    /// Host, in lower case and without the port.
    Host,
    /// Method.
    Method,
    /// All values of a header.
    Header(HeaderName),
}

/// Paths of attributes.
pub(crate) mod property {
    pub(crate) const CLUSTER: &str = "xds\0cluster_name";
    pub(crate) const ROUTE: &str = "xds\0route_name";
    pub(crate) const PRINCIPAL: &str = "filter_state\0wasm.jwt_authn.principal";
    pub(crate) const STATUS: &str = "response\0code";
    pub(crate) const DETAILS: &str = "response\0code_details";
}

/// Maximum length of the values of a key in logs.
const MAX_SHOWN: usize = 64;

/// Returns the place of the key, and its values for logs.
pub(crate) fn find(
    parts: &[Part],
    request: &RequestFacts<'_>,
    env: &mut dyn Environment,
    mut hasher: KeyHasher,
) -> Result<(Place, Box<str>), Failure> {
    let mut shown = String::new();
    for part in parts {
        match part {
            Part::Property(path) => {
                let value = env.host().property(path)?;
                hasher.value(&u64::from(value.is_some()).to_le_bytes());
                if let Some(value) = value {
                    add(&value, &mut hasher, &mut shown);
                }
            }
            Part::Host => {
                let host = request.host();
                let host = host.strip_suffix(b".").unwrap_or(host).to_ascii_lowercase();
                add_one(&host, &mut hasher, &mut shown);
            }
            Part::Method => add_one(request.method, &mut hasher, &mut shown),
            Part::Header(name) => {
                let count = request.headers.all(name.as_ref()).count();
                hasher.value(&(count as u64).to_le_bytes());
                for value in request.headers.all(name.as_ref()) {
                    add(value, &mut hasher, &mut shown);
                }
            }
        }
    }
    Ok((hasher.place(), shown.into_boxed_str()))
}

/// Returns the place of a key with known values, one for each part.
pub(crate) fn place<'v>(values: impl Iterator<Item = &'v [u8]>, mut hasher: KeyHasher) -> (Place, Box<str>) {
    let mut shown = String::new();
    for value in values {
        add_one(value, &mut hasher, &mut shown);
    }
    (hasher.place(), shown.into_boxed_str())
}

/// Adds a part with one value.
fn add_one(value: &[u8], hasher: &mut KeyHasher, shown: &mut String) {
    hasher.value(&1u64.to_le_bytes());
    add(value, hasher, shown);
}

/// Adds a value of a part. The number of values is hashed before them.
fn add(value: &[u8], hasher: &mut KeyHasher, shown: &mut String) {
    hasher.value(value);
    if !shown.is_empty() {
        shown.push(',');
    }
    for byte in value {
        if shown.len() >= MAX_SHOWN {
            break;
        }
        shown.push(if byte.is_ascii_graphic() && *byte != b',' { char::from(*byte) } else { '_' });
    }
}
