//! Replaces the response of an upstream by another, in each phase in which a filter can hold it.

use std::mem;
use tollgate::body::Body;
use tollgate::{Context, Error, Headers, HttpFilter, ResponseHeaders};

/// Name and value of a field.
pub type Field = (String, Vec<u8>);

/// A response of which a filter holds a part, and what replaces the parts that are to come.
#[derive(Default)]
pub struct Held {
    body: Option<Body<'static>>,
    rest: Option<(Vec<u8>, Vec<Field>)>,
}

/// Result of the replacement of trailers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The response is not replaced.
    No,
    /// The response is replaced.
    Yes,
    /// Status, headers and trailers are replaced. The new body is lost.
    WithoutBody,
}

impl Held {
    /// Keeps the whole body, which the callback holds.
    pub fn keep(&mut self, body: &Body<'_>) {
        self.body = Some(body.held());
    }

    /// Replaces body and trailers: those that are held now, the others when they arrive. Replace the
    /// [`headers`] first.
    pub fn put<F: HttpFilter>(
        &mut self,
        cx: &mut Context<'_, F>,
        new: Vec<u8>,
        new_trailers: Vec<Field>,
    ) -> Result<(), Error> {
        let Some(mut body) = self.body.take() else {
            self.rest = Some((new, new_trailers));
            return Ok(());
        };
        body.replace(&new)?;
        match cx.held_response_trailers() {
            // Without trailers of the upstream, none can be sent.
            Some(mut trailers) if !trailers.pairs()?.is_empty() => fields(&mut trailers, &new_trailers),
            _ => Ok(()),
        }
    }

    /// Replaces a part of the body that arrives. Returns whether the response is replaced.
    pub fn on_body(&mut self, body: &mut Body<'_>) -> Result<bool, Error> {
        let Some((new, _)) = &mut self.rest else { return Ok(false) };
        body.replace(&mem::take(new))?;
        Ok(true)
    }

    /// Replaces the trailers that arrive. Without a body before them, none can be sent: if the new one is not
    /// empty, a gRPC client receives status 13 (`INTERNAL`).
    pub fn on_trailers(&mut self, trailers: &mut Headers) -> Result<Replaced, Error> {
        let Some((body, mut new)) = self.rest.take() else { return Ok(Replaced::No) };
        let is_lost = !body.is_empty();
        if is_lost && new.iter().any(|(name, _)| name == "grpc-status") {
            let message = b"the response of a retry could not be delivered".to_vec();
            new = vec![("grpc-status".into(), b"13".to_vec()), ("grpc-message".into(), message)];
        }
        fields(trailers, &new)?;
        Ok(if is_lost { Replaced::WithoutBody } else { Replaced::Yes })
    }
}

/// Replaces status and headers. Removes `content-length`, so that the body can have another length.
pub fn headers(target: &mut ResponseHeaders<'_>, status: u16, new: &[Field]) -> Result<(), Error> {
    target.body_may_change()?;
    fields(target, new)?;
    target.set(":status", status.to_string())
}

/// Replaces all fields except pseudo-headers.
fn fields(target: &mut Headers, new: &[Field]) -> Result<(), Error> {
    let old = target.take_pairs()?;
    let mut removed: Vec<&[u8]> = Vec::new();
    for (name, _) in old.iter().filter(|(name, _)| !name.starts_with(b":")) {
        if let Ok(text) = std::str::from_utf8(name)
            && !removed.contains(&name)
        {
            removed.push(name);
            target.remove(text)?;
        }
    }
    new.iter().try_for_each(|(name, value)| target.add(name, value))
}
