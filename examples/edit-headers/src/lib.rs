//! Sets, adds and removes headers of requests and responses.
use tollgate::{Config, EditableName, Flow, HeaderValue, Headers, HttpFilter, Request, Response, Result};

/// The filter, which is its own configuration.
#[derive(Config)]
pub struct EditHeaders {
    #[config(default)]
    request: Vec<Edit>,
    #[config(default)]
    response: Vec<Edit>,
}

/// An edit. The filter applies the edits of a message in order.
#[derive(Config)]
enum Edit {
    Set(Field),
    Add(Field),
    Remove(EditableName),
}

#[derive(Config)]
struct Field {
    name: EditableName,
    value: HeaderValue,
}

#[tollgate::filter]
impl HttpFilter for EditHeaders {
    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        apply(&self.request, &mut request.headers)
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        apply(&self.response, &mut response.headers)
    }
}

fn apply(edits: &[Edit], headers: &mut Headers) -> Result {
    for edit in edits {
        match edit {
            Edit::Set(field) => headers.set(field.name.name().as_str(), field.value.as_bytes())?,
            Edit::Add(field) => headers.add(field.name.name().as_str(), field.value.as_bytes())?,
            Edit::Remove(name) => headers.remove(name.name().as_str())?,
        }
    }
    Ok(Flow::Continue)
}
