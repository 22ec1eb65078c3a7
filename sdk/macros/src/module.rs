//! `tollgate::module!`: the exports of a module, for the callbacks that its filters define.
//!
//! The callbacks of a filter are known where its `impl` block is, which may be in another crate. So
//! `#[tollgate::filter]` defines a macro that appends them to a list and calls the macro of the next filter.
//! The last one calls `tollgate::exports!` with the whole list.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream as Code};
use quote::{ToTokens, format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{LitStr, Path, Token, Type, bracketed, parenthesized};

/// A callback: its name, and the parameters, result and arguments of its export.
type Callback = (&'static str, &'static str, &'static str, &'static str);

/// The callbacks that the host calls if a module exports them.
pub(super) const CALLBACKS: [Callback; 8] = [
    ("on_request_headers", "id: u32, _count: usize, end_of_stream: u32", "u32", "id, end_of_stream != 0"),
    ("on_request_body", "id: u32, size: usize, end_of_stream: u32", "u32", "id, size, end_of_stream != 0"),
    ("on_request_trailers", "id: u32, _count: usize", "u32", "id"),
    ("on_response_headers", "id: u32, _count: usize, end_of_stream: u32", "u32", "id, end_of_stream != 0"),
    ("on_response_body", "id: u32, size: usize, end_of_stream: u32", "u32", "id, size, end_of_stream != 0"),
    ("on_response_trailers", "id: u32, _count: usize", "u32", "id"),
    ("on_log", "id: u32", "()", "id"),
    ("on_queue_ready", "id: u32, token: u32", "()", "id, token"),
];

/// The callbacks for TCP connections.
pub(super) const TCP_CALLBACKS: [Callback; 5] = [
    ("on_new_connection", "id: u32", "u32", "id"),
    ("on_downstream_data", "id: u32, size: usize, end_of_stream: u32", "u32", "id, size, end_of_stream != 0"),
    ("on_upstream_data", "id: u32, size: usize, end_of_stream: u32", "u32", "id, size, end_of_stream != 0"),
    ("on_downstream_connection_close", "id: u32, peer: u32", "()", "id, peer"),
    ("on_upstream_connection_close", "id: u32, peer: u32", "()", "id, peer"),
];

/// The other callbacks, which follow from what a filter uses.
const IMPLIED: [Callback; 9] = [
    ("on_configure", "id: u32, size: usize", "u32", "id, size"),
    ("on_context_create", "id: u32, parent: u32", "()", "id, parent"),
    ("on_delete", "id: u32", "()", "id"),
    (
        "on_http_call_response",
        "id: u32, token: u32, headers: usize, body: usize, trailers: usize",
        "()",
        "id, token, headers, body, trailers",
    ),
    ("on_grpc_receive", "id: u32, token: u32, size: usize", "()", "id, token, size"),
    ("on_grpc_receive_initial_metadata", "id: u32, token: u32, count: usize", "()", "id, token, count"),
    ("on_grpc_receive_trailing_metadata", "id: u32, token: u32, count: usize", "()", "id, token, count"),
    ("on_grpc_close", "id: u32, token: u32, status: u32", "()", "id, token, status"),
    ("on_tick", "id: u32", "()", "id"),
];

/// Returns the trait that marks a declared capability, and the callbacks that it needs.
pub(super) fn capability(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    Some(match name {
        "http_callouts" => ("HttpCallouts", &["on_http_call_response"]),
        "grpc_callouts" => ("GrpcCallouts", &["on_grpc_receive", "on_grpc_close"]),
        "grpc_streams" => (
            "GrpcStreams",
            &[
                "on_grpc_receive_initial_metadata",
                "on_grpc_receive",
                "on_grpc_receive_trailing_metadata",
                "on_grpc_close",
            ],
        ),
        "timers" => ("Timers", &["on_tick"]),
        _ => return None,
    })
}

/// Generates the macro that appends the callbacks of a filter to the list.
pub(super) fn list(filter: &Type, callbacks: &[&str]) -> syn::Result<Code> {
    let Type::Path(path) = filter else {
        return Err(syn::Error::new_spanned(filter, "a filter must be a type with a name"));
    };
    let name = macro_name(&path.path)?;
    let callbacks = callbacks.iter().map(|callback| format_ident!("{callback}"));
    let callbacks = quote!([#(#callbacks)*]);
    Ok(quote! {
        #[doc(hidden)]
        #[allow(non_local_definitions, reason = "the tests of a filter may be in a function")]
        #[macro_export]
        macro_rules! #name {
            ([] $($list:tt)*) => { ::tollgate::exports! { $($list)* #callbacks } };
            ([$next:path $(, $later:path)*] $($list:tt)*) => {
                $next! { [$($later),*] $($list)* #callbacks }
            };
        }
    })
}

fn macro_name(filter: &Path) -> syn::Result<Ident> {
    let last = filter.segments.last().filter(|segment| segment.arguments.is_none());
    let last = last.ok_or_else(|| syn::Error::new_spanned(filter, "a filter must not be generic"))?;
    // The compiler shows this name if `module!` does not find the macro.
    Ok(format_ident!("__tollgate_filter_attribute_of_{}", last.ident))
}

/// The arguments of `module!`.
pub(super) struct Filters(Punctuated<Filter, Token![,]>);

/// A filter of a module. Its name is that of its block in the configuration of a module with several filters.
struct Filter {
    name: LitStr,
    ty: Path,
}

impl Parse for Filters {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let filters = Punctuated::<Filter, Token![,]>::parse_terminated(input)?;
        if filters.is_empty() {
            let message = "expected a filter, such as `tollgate::module!(MyFilter)`";
            return Err(syn::Error::new(input.span(), message));
        }
        for (index, filter) in filters.iter().enumerate() {
            if filters.iter().take(index).any(|other| other.name.value() == filter.name.value()) {
                let message = "two filters of one name: write `\"name\" => Type` to give each its own";
                return Err(syn::Error::new(filter.name.span(), message));
            }
        }
        Ok(Self(filters))
    }
}

impl Parse for Filter {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = if input.peek(LitStr) {
            let name = input.parse()?;
            input.parse::<Token![=>]>()?;
            Some(name)
        } else {
            None
        };
        let ty: Path = input.parse()?;
        let name = match (name, ty.segments.last()) {
            (Some(name), _) => name,
            (None, Some(last)) => LitStr::new(&kebab_case(&last.ident.to_string()), last.ident.span()),
            (None, None) => return Err(input.error("expected a filter")),
        };
        Ok(Self { name, ty })
    }
}

fn kebab_case(name: &str) -> String {
    let mut out = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_uppercase() && index > 0 {
            out.push('-');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// Calls the macro of the first filter with the macros of the others.
pub(super) fn expand(Filters(filters): &Filters) -> syn::Result<Code> {
    let macros: Vec<_> = filters.iter().map(|filter| macro_path(&filter.ty)).collect::<syn::Result<_>>()?;
    let [first, later @ ..] = macros.as_slice() else { return Ok(Code::new()) };
    let named = filters.iter().map(|Filter { name, ty }| quote!((#name #ty)));
    Ok(quote!(#first! { [#(#later),*] [#(#named)*] }))
}

/// Returns the path of the macro that lists the callbacks of a filter. It is at the root of another crate,
/// and in scope after the filter in the same crate.
fn macro_path(filter: &Path) -> syn::Result<Path> {
    let name = macro_name(filter)?;
    let root = filter.segments.first().filter(|_| filter.segments.len() > 1);
    match root.map(|root| &root.ident) {
        Some(root) if root != "crate" && root != "self" && root != "super" => {
            let leading = filter.leading_colon;
            syn::parse2(quote!(#leading #root::#name))
        }
        _ => Ok(name.into()),
    }
}

/// The arguments of `exports!`: the filters, and the callbacks of each.
pub(super) struct Parts {
    filters: Vec<Filter>,
    callbacks: Vec<Ident>,
}

impl Parse for Parts {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (mut filters, mut callbacks) = (Vec::new(), Vec::new());
        let named;
        bracketed!(named in input);
        while !named.is_empty() {
            let filter;
            parenthesized!(filter in named);
            filters.push(Filter { name: filter.parse()?, ty: filter.parse()? });
        }
        while !input.is_empty() {
            let list;
            bracketed!(list in input);
            while !list.is_empty() {
                callbacks.push(list.parse()?);
            }
        }
        Ok(Self { filters, callbacks })
    }
}

/// Generates one export for each callback that any filter has.
pub(super) fn exports(Parts { filters, callbacks }: &Parts) -> Code {
    let vm = match filters.as_slice() {
        [one] => {
            let ty = &one.ty;
            quote!(::tollgate::entry::Vm<#ty>)
        }
        several => {
            let types = several.iter().rev().fold(quote!(()), |rest, filter| {
                let ty = &filter.ty;
                quote!((::tollgate::chain::Member<#ty>, #rest))
            });
            quote!(::tollgate::chain::Chain<#types>)
        }
    };
    let names = filters.iter().map(|filter| &filter.name);
    let new = if filters.len() == 1 { quote!(new()) } else { quote!(new(&[#(#names),*])) };
    let has = |name: &str| {
        let implied = match name {
            "on_configure" => true,
            // A filter may be called long after the creation of its stream if another one waited before.
            "on_context_create" | "on_delete" => filters.len() > 1,
            _ => false,
        };
        implied || callbacks.iter().any(|callback| callback == name)
    };
    if filters.len() > 1 && TCP_CALLBACKS.iter().any(|callback| has(callback.0)) {
        let message = "a module with several filters can only contain filters for HTTP";
        return quote!(::core::compile_error!(#message););
    }
    let exports =
        IMPLIED.iter().chain(&CALLBACKS).chain(&TCP_CALLBACKS).filter(|callback| has(callback.0)).map(export);
    quote! {
        const _: () = {
            ::std::thread_local! {
                static VM: #vm = const { <#vm>::#new };
            }
            #(#exports)*
        };
    }
}

fn export((name, params, answer, args): &Callback) -> Code {
    let export = format_ident!("proxy_{name}");
    let method = Ident::new(name, Span::call_site());
    // Some methods return what only a chain needs.
    let end = if *answer == "()" { quote!(;) } else { Code::new() };
    let parse = |text: &str| text.parse::<Code>().unwrap_or_default();
    let (params, answer, args) = (parse(params), parse(answer), parse(args));
    let args = Group::new(Delimiter::Parenthesis, args).into_token_stream();
    quote! {
        #[unsafe(no_mangle)]
        extern "C" fn #export(#params) -> #answer {
            VM.with(|vm| { vm.#method #args #end })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_named_after_its_type() {
        let filters: Filters = syn::parse_str("jwt::JwtAuthn, \"limits\" => Limit").expect("valid");
        let names: Vec<_> = filters.0.iter().map(|filter| filter.name.value()).collect();
        assert_eq!(names, ["jwt-authn", "limits"]);
    }

    #[test]
    fn rejects_filters_that_a_configuration_cannot_tell_apart() {
        for (text, expected) in [("", "expected a filter"), ("a::Limit, b::Limit", "two filters of one name")]
        {
            let error = syn::parse_str::<Filters>(text).err().expect("invalid").to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn the_macro_of_a_filter_is_at_the_root_of_its_crate() {
        let macro_of = |path| {
            let path = macro_path(&syn::parse_str(path).expect("a path")).expect("not generic");
            path.to_token_stream().to_string()
        };
        assert_eq!(macro_of("Limit"), "__tollgate_filter_attribute_of_Limit");
        assert_eq!(macro_of("crate::filter::Limit"), "__tollgate_filter_attribute_of_Limit");
        assert_eq!(macro_of("limits::filter::Limit"), "limits :: __tollgate_filter_attribute_of_Limit");
    }
}
