//! The facts that a policy needs, read from the headers with one host call.

use std::ops::DerefMut;
use tollgate::{Error, Headers, Pairs, RequestHeaders, ResponseHeaders};
use tollgate_policy::{RequestFacts, ResponseFacts};

/// Calls `then` with the facts about a request, and with its headers, which `then` may edit. Without
/// `needed`, the facts are empty and no host call is made.
#[inline]
pub fn of_request<R>(
    headers: &mut RequestHeaders<'_>,
    needed: bool,
    then: impl FnOnce(&RequestFacts<'_>, &mut RequestHeaders<'_>) -> R,
) -> Result<R, Error> {
    read(headers, needed, |list, headers| then(&RequestFacts::from_pairs(list), headers))
}

/// Like [`of_request`], for a response.
#[inline]
pub fn of_response<R>(
    headers: &mut ResponseHeaders<'_>,
    needed: bool,
    then: impl FnOnce(&ResponseFacts<'_>, &mut ResponseHeaders<'_>) -> R,
) -> Result<R, Error> {
    read(headers, needed, |list, headers| then(&ResponseFacts::from_pairs(list), headers))
}

#[inline]
fn read<H: DerefMut<Target = Headers>, R>(
    headers: &mut H,
    needed: bool,
    then: impl FnOnce(&[(&[u8], &[u8])], &mut H) -> R,
) -> Result<R, Error> {
    if !needed {
        return Ok(then(&[], headers));
    }
    let pairs = headers.take_pairs()?;
    let result = then(&list(&pairs), headers);
    headers.return_pairs(pairs);
    Ok(result)
}

#[inline(never)]
fn list(pairs: &Pairs) -> Vec<(&[u8], &[u8])> {
    let mut list = Vec::with_capacity(pairs.len());
    list.extend(pairs.iter());
    list
}
