//! Fields of Envoy's that mean nothing here. One that is pasted is refused with what to write instead, because `unknown
//! field` would leave the operator to find out.

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny};

macro_rules! instead {
    ($($name:ident = $message:literal;)*) => { $(
        pub(super) fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
            IgnoredAny::deserialize(deserializer)?;
            Err(D::Error::custom($message))
        }
    )* };
}

instead! {
    metadata = "a Wasm filter cannot write dynamic metadata; the payload is in the filter state `wasm.jwt_authn.payload` (see `filter_state`)";
    header_metadata = "a Wasm filter cannot write dynamic metadata, and the header of a token is not passed on";
    failure_metadata = "a Wasm filter cannot write dynamic metadata; the reason of a refusal is in the filter state `wasm.jwt_authn.failure` (see `filter_state`)";
    normalize = "it is `normalize_payload` here";
    cache = "one cache serves all providers: `jwt_cache_config` stands beside `providers`";
    file = "a Wasm filter cannot read files; give the keys as `inline_string`, or in a variable of the VM's environment as `environment_variable`";
    bytes = "give the text of the keys as `inline_string`";
    prefix = "a path is matched by `paths`: `{\"paths\": [{\"prefix\": \"/api\"}]}`";
    path = "a path is matched by `paths`: `{\"paths\": [{\"exact\": \"/api\"}]}`";
    regex = "a path is matched by `paths`: `{\"paths\": [{\"regex\": \"/v[0-9]+/.*\"}]}`";
    separated = "a path is matched by `paths`: `{\"paths\": [{\"template\": \"/api/**\"}]}`";
    template = "a path is matched by `paths`: `{\"paths\": [{\"template\": \"/users/{id}\"}]}`";
    query = "query parameters are matched by `query`: `{\"query\": [{\"name\": \"debug\", \"present\": true}]}`";
}
