//! Checks the methods of a filter. The compiler would report an unknown method, or an argument of another
//! phase, too, but without the signature to write.

use quote::format_ident;
use syn::{Error, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Result, Signature, Type};

/// The methods of an HTTP filter, with their parameters and results.
const METHODS: [(&str, &str); 11] = [
    ("new", "(config: Self::Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError>"),
    ("on_request_headers", "(&self, request: &mut Request<'_, Self>) -> Result"),
    ("on_request_body", "(&self, request: &mut RequestBody<'_, Self>) -> Result"),
    ("on_request_trailers", "(&self, request: &mut RequestTrailers<'_, Self>) -> Result"),
    ("on_response_headers", "(&self, response: &mut Response<'_, Self>) -> Result"),
    ("on_response_body", "(&self, response: &mut ResponseBody<'_, Self>) -> Result"),
    ("on_response_trailers", "(&self, response: &mut ResponseTrailers<'_, Self>) -> Result"),
    ("on_log", "(&self, log: &mut AccessLog<'_, Self>)"),
    ("on_end", "(&self, stream: Self::Stream, cx: &mut Context<'_, Self>)"),
    ("on_queue_ready", "(&self, queue: Queue, cx: &mut Context<'_, Self>)"),
    ("on_error", "(&self, error: Error, phase: Phase) -> Flow"),
];

/// The methods of a TCP filter.
const TCP_METHODS: [(&str, &str); 9] = [
    ("new", "(config: Self::Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError>"),
    ("on_new_connection", "(&self, connection: &mut Connection<'_, Self>) -> Result"),
    ("on_downstream_data", "(&self, client: &mut Data<'_, Self>) -> Result"),
    ("on_upstream_data", "(&self, upstream: &mut Data<'_, Self>) -> Result"),
    ("on_downstream_connection_close", "(&self, closed: &mut Closed<'_, Self>)"),
    ("on_upstream_connection_close", "(&self, closed: &mut Closed<'_, Self>)"),
    ("on_end", "(&self, stream: Self::Stream, cx: &mut Context<'_, Self>)"),
    ("on_queue_ready", "(&self, queue: Queue, cx: &mut Context<'_, Self>)"),
    ("on_error", "(&self, error: Error) -> Flow"),
];

/// Signatures of the methods that can be `async`.
const ASYNC: [(&str, &str); 2] = [
    ("on_request_headers", "(&self, request: &mut AsyncRequest<Self>) -> Result"),
    ("on_response_headers", "(&self, response: &mut AsyncResponse<Self>) -> Result"),
];

/// Largest number of different letters in a name that is misspelt.
const TYPOS: usize = 3;

pub(super) fn check(item: &ItemImpl, tcp: bool) -> Result<()> {
    let known: &[_] = if tcp { &TCP_METHODS } else { &METHODS };
    item.items.iter().try_for_each(|item| match item {
        ImplItem::Fn(method) => check_method(method, known),
        _ => Ok(()),
    })
}

fn check_method(method: &ImplItemFn, known: &[(&str, &str)]) -> Result<()> {
    let name = method.sig.ident.to_string();
    let Some((_, sync)) = known.iter().find(|known| known.0 == name) else {
        let nearest = known.iter().min_by_key(|known| distance(known.0, &name));
        let expected = match nearest.filter(|known| distance(known.0, &name) <= TYPOS) {
            Some((name, signature)) => format!("`fn {name}{signature}`"),
            None => {
                let names: Vec<_> = known.iter().map(|known| format!("`{}`", known.0)).collect();
                format!("one of {}; other methods belong into an `impl` of the type", names.join(", "))
            }
        };
        let message = format!("unknown callback `{name}`, expected {expected}");
        return Err(Error::new(method.sig.ident.span(), message));
    };
    let (prefix, expected) = match (method.sig.asyncness, ASYNC.iter().find(|known| known.0 == name)) {
        (Some(_), Some((_, signature))) => ("async ", signature),
        // `asynchronous` reports a method that cannot be `async`.
        _ => ("", sync),
    };
    let signature: Signature = syn::parse_str(&format!("fn {name}{expected}"))?;
    let (found, wanted) = (&method.sig.inputs, &signature.inputs);
    if found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| agree(found, wanted)) {
        return Ok(());
    }
    let message = format!("wrong arguments of `{name}`, expected `{prefix}fn {name}{expected}`");
    Err(Error::new_spanned(&method.sig.inputs, message))
}

/// Whether an argument can have the expected type. An unknown name may be an alias of it.
fn agree(found: &FnArg, wanted: &FnArg) -> bool {
    match (found, wanted) {
        (FnArg::Receiver(found), FnArg::Receiver(_)) => found.mutability.is_none(),
        (FnArg::Typed(found), FnArg::Typed(wanted)) => {
            let (found, is_reference) = name_of(&found.ty);
            let (wanted, needs_reference) = name_of(&wanted.ty);
            let is_alias = || !is_argument(found.as_ref());
            is_reference == needs_reference && (found == wanted || is_alias())
        }
        _ => false,
    }
}

/// Returns the last part of the name of a type, and whether the type is a mutable reference.
fn name_of(ty: &Type) -> (Option<Ident>, bool) {
    match ty {
        Type::Reference(reference) => (name_of(&reference.elem).0, reference.mutability.is_some()),
        Type::Path(path) => (path.path.segments.last().map(|last| last.ident.clone()), false),
        _ => (None, false),
    }
}

/// Whether a name is that of an argument of the methods.
fn is_argument(name: Option<&Ident>) -> bool {
    let all = ["Request", "Response"].iter().flat_map(|message| {
        ["{}", "{}Body", "{}Trailers", "Async{}"].map(|form| form.replace("{}", message))
    });
    let others = ["AccessLog", "Context", "Connection", "Data", "Closed"].map(str::to_owned);
    name.is_some_and(|name| all.chain(others).any(|known| *name == format_ident!("{known}")))
}

/// The number of letters to insert, remove or replace.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (cell, other) in row.iter_mut().zip(std::iter::once(None).chain(to.chars().map(Some))) {
            let cost = match other {
                None => index + 1,
                Some(other) => (diagonal + usize::from(other != letter)).min(left + 1).min(*cell + 1),
            };
            diagonal = std::mem::replace(cell, cost);
            left = cost;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_letters_that_differ() {
        let pairs =
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("on_log", "on_lgo", 2), ("kitten", "sitting", 3)];
        for (from, to, expected) in pairs {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn accepts_an_alias_of_the_argument() {
        let accepted = |text: &str| check_method(&syn::parse_str(text).expect("a method"), &METHODS).is_ok();
        assert!(accepted("fn on_request_headers(&self, _: &mut tollgate::Request<'_, Self>) -> Result {}"));
        assert!(accepted("fn on_request_headers(&self, _: &mut Mine<'_>) -> Result {}"));
        assert!(accepted("async fn on_request_headers(&self, _: &mut AsyncRequest<Self>) -> Result {}"));
        assert!(!accepted("async fn on_request_headers(&self, _: &mut Request<'_, Self>) -> Result {}"));
        assert!(!accepted("fn on_request_headers(&self, _: Request<'_, Self>) -> Result {}"));
        assert!(!accepted("fn on_request_headers(&mut self, _: &mut Request<'_, Self>) -> Result {}"));
        assert!(!accepted("fn on_request_headers(&self) -> Result {}"));
    }
}
