//! The messages of Envoy's API that configure a Wasm filter (Envoy, `api/envoy/extensions/wasm/v3/wasm.proto`
//! and `api/envoy/config/core/v3/base.proto`), with their constraints.

use crate::check::proto::{Field, Kind, Message};

const SECOND: i128 = 1_000_000_000;
/// The longest duration of protobuf.
const FOREVER: i128 = 315_576_000_000 * SECOND;
const MILLISECOND: i128 = 1_000_000;

/// The names of the failure policies, by number.
const FAILURE_POLICIES: &[&str] = &["UNSPECIFIED", "FAIL_RELOAD", "FAIL_CLOSED", "FAIL_OPEN"];

const fn message(fields: &'static [Field]) -> Message {
    Message { fields, one_of: &[] }
}

/// The message of a filter, an access logger or a stats sink.
pub static WASM: Message = message(&[Field::new("config", Kind::Message(&PLUGIN_CONFIG)).required()]);

/// The message of a service.
pub static WASM_SERVICE: Message = message(&[
    Field::new("config", Kind::Message(&PLUGIN_CONFIG)).required(),
    Field::new("singleton", Kind::Flag),
]);

/// A message that is wrapped in another one, whose `type_url` names it.
pub static TYPED_STRUCT: Message =
    message(&[Field::new("type_url", Kind::Text), Field::new("value", Kind::Object).required()]);

static PLUGIN_CONFIG: Message = message(&[
    Field::new("name", Kind::Text),
    Field::new("root_id", Kind::Text),
    Field::new("vm_config", Kind::Message(&VM_CONFIG)).required(),
    Field::new("configuration", Kind::Object),
    Field::new("fail_open", Kind::Flag),
    Field::new("failure_policy", Kind::Enumerator(FAILURE_POLICIES)),
    Field::new("reload_config", Kind::Message(&RELOAD_CONFIG)),
    Field::new("capability_restriction_config", Kind::Message(&CAPABILITIES)),
    Field::new("allow_on_headers_stop_iteration", Kind::Flag),
]);

static VM_CONFIG: Message = message(&[
    Field::new("vm_id", Kind::Text),
    Field::new("runtime", Kind::Text),
    Field::new("code", Kind::Message(&ASYNC_DATA_SOURCE)).required(),
    Field::new("configuration", Kind::Object),
    Field::new("allow_precompiled", Kind::Flag),
    Field::new("nack_on_code_cache_miss", Kind::Flag),
    Field::new("environment_variables", Kind::Message(&ENVIRONMENT_VARIABLES)),
    Field::new("capability_restriction_config", Kind::Message(&CAPABILITIES)),
]);

static RELOAD_CONFIG: Message = message(&[Field::new("backoff", Kind::Message(&BACKOFF))]);

static BACKOFF: Message = message(&[
    Field::new("base_interval", Kind::Duration(MILLISECOND, FOREVER)).required(),
    Field::new("max_interval", Kind::Duration(1, FOREVER)),
]);

static CAPABILITIES: Message =
    message(&[Field::new("allowed_capabilities", Kind::MessageMap(&SANITIZATION_CONFIG))]);

static SANITIZATION_CONFIG: Message = message(&[]);

static ENVIRONMENT_VARIABLES: Message =
    message(&[Field::new("host_env_keys", Kind::Texts), Field::new("key_values", Kind::TextMap)]);

static ASYNC_DATA_SOURCE: Message = Message {
    fields: &[
        Field::new("local", Kind::Message(&DATA_SOURCE)),
        Field::new("remote", Kind::Message(&REMOTE_DATA_SOURCE)),
    ],
    one_of: &[&["local", "remote"]],
};

static DATA_SOURCE: Message = Message {
    fields: &[
        Field::new("filename", Kind::Text).not_empty(),
        Field::new("inline_bytes", Kind::Bytes),
        Field::new("inline_string", Kind::Text),
        Field::new("environment_variable", Kind::Text).not_empty(),
        Field::new("watched_directory", Kind::Message(&WATCHED_DIRECTORY)),
    ],
    one_of: &[&["filename", "inline_bytes", "inline_string", "environment_variable"]],
};

static WATCHED_DIRECTORY: Message = message(&[Field::new("path", Kind::Text).required().not_empty()]);

static REMOTE_DATA_SOURCE: Message = message(&[
    Field::new("http_uri", Kind::Message(&HTTP_URI)).required(),
    Field::new("sha256", Kind::Text).required().not_empty(),
    Field::new("retry_policy", Kind::Message(&RETRY_POLICY)),
]);

static HTTP_URI: Message = message(&[
    Field::new("uri", Kind::Text).required().not_empty(),
    Field::new("cluster", Kind::Text).required().not_empty(),
    Field::new("timeout", Kind::Duration(0, (1 << 32) * SECOND - 1)).required(),
]);

static RETRY_POLICY: Message = message(&[
    Field::new("retry_back_off", Kind::Message(&BACKOFF)),
    Field::new("num_retries", Kind::Number),
    Field::new("retry_on", Kind::Text),
    Field::new("retry_priority", Kind::Object),
    Field::new("retry_host_predicate", Kind::Unchecked),
    Field::new("host_selection_retry_max_attempts", Kind::Number),
]);
