//! Rejects requests whose body is not a JSON object with the configured members.
use serde_json::Value;
use tollgate::{Config, Flow, HttpFilter, Named, Reply, Request, RequestBody, Result, Whole};

/// The filter, which is its own configuration.
#[derive(Config)]
pub struct JsonBody {
    /// Members that the object must have.
    members: Named<Type>,
    /// Maximum size of the body in bytes.
    #[config(default = 65536)]
    max_bytes: usize,
}

/// The type of a member.
#[derive(Config)]
enum Type {
    String,
    Number,
    Boolean,
    Array,
    Object,
}

#[tollgate::filter]
impl HttpFilter for JsonBody {
    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let has_body = !request.headers.end_of_stream();
        Ok(if has_body { Flow::Continue } else { Reply::refuse(400, "no_body").into() })
    }

    fn on_request_body(&self, request: &mut RequestBody<'_, Self>) -> Result {
        let body = match request.body.whole(self.max_bytes)? {
            Whole::Complete(body) => body,
            Whole::NotYet => return Ok(Flow::Pause),
            Whole::TooLarge(_) => return Reply::refuse(413, "body_too_large").into(),
        };
        let value: Value = serde_json::from_slice(&body).map_err(|_| Reply::refuse(400, "invalid_json"))?;
        let is_valid = |(name, ty): &(String, Type)| value.get(name).is_some_and(|member| ty.fits(member));
        match self.members.iter().find(|member| !is_valid(member)) {
            None if value.is_object() => Ok(Flow::Continue),
            None => Reply::refuse(400, "not_an_object").into(),
            Some((name, _)) => Reply::refuse(400, "invalid_member").body(format!("invalid `{name}`")).into(),
        }
    }
}

impl Type {
    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}
