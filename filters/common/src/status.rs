//! Status of a response that a filter sends.

use crate::{Config, ConfigError, Value};

/// Status of a rejection, 400 to 599: `429`, or `{code: 429}` as in Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Status code.
    pub code: u16,
}

#[derive(Config)]
struct EnvoyStatus {
    #[config(range = 400..=599)]
    code: u16,
}

impl Config for Status {
    fn blank() -> Self {
        Self { code: 0 }
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        self.code = match value {
            Value::Object(_) => crate::config::read::<EnvoyStatus>(value)?.code,
            _ => crate::config::read(value)?,
        };
        let message = format_args!("`{}` is not a number from 400 to 599", self.code);
        if (400..=599).contains(&self.code) { Ok(()) } else { Err(ConfigError::here(&message)) }
    }
}

crate::json_schema_of!(Status, |_generator| {
    let code = crate::config::derived::schemars::json_schema!({
        "type": "integer", "minimum": 400, "maximum": 599, "description": "Status code.",
    });
    crate::config::derived::schemars::json_schema!({
        "description": "A status: `429`, or `{code: 429}` as in Envoy.",
        "anyOf": [
            code,
            {
                "type": "object",
                "properties": { "code": code },
                "required": ["code"],
                "additionalProperties": false,
            },
        ],
    })
});

/// Returns the gRPC status for an HTTP status, as in Envoy's `grpc::Utility::httpToGrpcStatus`:
/// `UNAUTHENTICATED`, `PERMISSION_DENIED`, `UNAVAILABLE`, and so on.
pub fn grpc_status_of(status: u16) -> u8 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}
