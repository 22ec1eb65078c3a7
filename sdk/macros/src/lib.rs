//! The macros of Tollgate: `#[tollgate::filter]`, `tollgate::module!`, `#[derive(Config)]`,
//! `#[derive(Metrics)]` and `#[derive(Label)]`.
//!
//! Envoy enters the VM for every callback that a module exports, even if the callback does nothing, and each
//! call costs time on every request. The stock SDK exports all callbacks. `#[tollgate::filter]` notes which
//! callbacks an `impl` block defines, and `module!` exports those that its filters define.

mod config;
mod label;
mod metrics;
mod module;
mod signatures;

use proc_macro::TokenStream;
use proc_macro2::{Ident, Span, TokenStream as Code};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{ImplItem, ItemImpl, Token, Type, parse_macro_input, parse_quote};

/// See `tollgate::filter`.
#[proc_macro_attribute]
pub fn filter(args: TokenStream, item: TokenStream) -> TokenStream {
    let capabilities = parse_macro_input!(args with Punctuated::<Ident, Token![,]>::parse_terminated);
    let mut item = parse_macro_input!(item as ItemImpl);
    expand(&capabilities, &mut item).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// See `tollgate::module`.
#[proc_macro]
pub fn module(filters: TokenStream) -> TokenStream {
    let filters = parse_macro_input!(filters as module::Filters);
    module::expand(&filters).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Generates the exports of a module. `module!` ends in it, after the lists of all filters.
#[doc(hidden)]
#[proc_macro]
pub fn exports(parts: TokenStream) -> TokenStream {
    let parts = parse_macro_input!(parts as module::Parts);
    module::exports(&parts).into()
}

/// See `tollgate_types::config`.
#[proc_macro_derive(Config, attributes(config, default))]
pub fn config(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::DeriveInput);
    config::expand(&item).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// See `tollgate::Label`.
#[proc_macro_derive(Label, attributes(label))]
pub fn label(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::DeriveInput);
    label::expand(&item).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// See `tollgate::metrics`.
#[proc_macro_derive(Metrics, attributes(metric, metrics))]
pub fn metrics(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::DeriveInput);
    metrics::expand(&item).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn expand(capabilities: &Punctuated<Ident, Token![,]>, item: &mut ItemImpl) -> syn::Result<Code> {
    let tcp = is_tcp(item);
    signatures::check(item, tcp)?;
    add_defaults(item);
    let futures = asynchronous(item)?;
    let awaits = !futures.is_empty();
    let defined: Vec<_> = methods(item).collect();
    let defines = |name: &str| defined.iter().any(|method| method == name);
    let parts = module::CALLBACKS.iter().enumerate().filter(|(_, callback)| defines(callback.0));
    let parts = parts.fold(0u8, |parts, (index, _)| parts | 1 << index);
    let uses = |name: &str| capabilities.iter().any(|capability| capability == name);
    let (http, grpc, timers_used) = (uses("http_callouts"), uses("grpc_callouts"), uses("timers"));
    let grpc_streams = uses("grpc_streams");
    // A future is dropped when its stream ends.
    let on_delete = awaits || needs_on_delete(capabilities, item);
    item.items.push(parse_quote! {
        const USES: ::tollgate::filter::Uses =
            ::tollgate::filter::Uses {
                http: #http, grpc: #grpc, grpc_streams: #grpc_streams, timers: #timers_used, asynchronous: #awaits, tcp: #tcp, parts: #parts,
                on_delete: #on_delete || ::tollgate::filter::EXPORTS_ALL,
            };
    });
    let filter = &item.self_ty;
    let mut markers = quote!(impl ::tollgate::filter::HasAttribute for #filter {});
    let mut callbacks = Vec::new();
    for capability in capabilities {
        let name = capability.to_string();
        let Some((marker, exports)) = module::capability(&name) else {
            let message = format!(
                "unknown argument `{name}`, expected one of `http_callouts`, `grpc_callouts`, `grpc_streams`, \
                 `timers`"
            );
            return Err(syn::Error::new(capability.span(), message));
        };
        let marker = Ident::new(marker, Span::call_site());
        markers.extend(quote!(impl ::tollgate::filter::#marker for #filter {}));
        callbacks.extend_from_slice(exports);
    }
    let known = module::CALLBACKS.iter().chain(&module::TCP_CALLBACKS).map(|callback| callback.0);
    callbacks.extend(known.filter(|method| defines(method)));
    // A body that a filter holds ends with the trailers, if there are any.
    for (body, trailers) in
        [("on_request_body", "on_request_trailers"), ("on_response_body", "on_response_trailers")]
    {
        if defines(body) && !defines(trailers) {
            callbacks.push(trailers);
        }
    }
    // A filter without callbacks does not need the creation or the deletion of contexts.
    if !callbacks.is_empty() || defines("on_end") {
        callbacks.push("on_context_create");
        callbacks.extend(on_delete.then_some("on_delete"));
    }
    let list = module::list(filter, &callbacks)?;
    Ok(quote! {
        #item
        #futures
        #markers
        #list
    })
}

/// Whether the trait is `TcpFilter`.
fn is_tcp(item: &ItemImpl) -> bool {
    let name = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
    name.is_some_and(|last| last.ident == "TcpFilter")
}

/// Moves the body of each `async` callback to a function of its own, which the callback runs. Returns these
/// functions.
fn asynchronous(item: &mut ItemImpl) -> syn::Result<Code> {
    let filter = item.self_ty.clone();
    let mut functions = Code::new();
    for member in &mut item.items {
        let ImplItem::Fn(method) = member else { continue };
        let Some(keyword) = method.sig.asyncness.take() else { continue };
        let name = method.sig.ident.clone();
        let (run, argument) = match name.to_string().as_str() {
            "on_request_headers" => ("run_request", quote!(::tollgate::Request<'_, Self>)),
            "on_response_headers" => ("run_response", quote!(::tollgate::Response<'_, Self>)),
            "on_request_body" => ("run_request_body", quote!(::tollgate::RequestBody<'_, Self>)),
            "on_response_body" => ("run_response_body", quote!(::tollgate::ResponseBody<'_, Self>)),
            _ => {
                let message =
                    format!("`{name}` cannot be `async`, only callbacks for headers and bodies can");
                return Err(syn::Error::new(keyword.span, message));
            }
        };
        let run = Ident::new(run, Span::call_site());
        let hidden = Ident::new(&format!("__tollgate_{name}"), name.span());
        let mut function = method.clone();
        function.sig.asyncness = Some(keyword);
        function.sig.ident = hidden.clone();
        functions.extend(quote!(impl #filter { #function }));
        *method = parse_quote! {
            fn #name(&self, stream: &mut #argument) -> ::tollgate::Result {
                ::tollgate::future::#run(stream, |filter, mut stream| async move {
                    Self::#hidden(&filter, &mut stream).await
                })
            }
        };
    }
    Ok(functions)
}

/// Adds what the author left out: without `Stream`, the filter keeps nothing of a stream. Without `new`, the
/// filter is its own configuration.
fn add_defaults(item: &mut ItemImpl) {
    let has_type = |item: &ItemImpl, name: &str| {
        item.items.iter().any(|item| matches!(item, ImplItem::Type(ty) if ty.ident == name))
    };
    if !has_type(item, "Stream") {
        item.items.push(parse_quote!(
            type Stream = ();
        ));
    }
    if methods(item).all(|method| method != "new") {
        if !has_type(item, "Config") {
            item.items.push(parse_quote!(
                type Config = Self;
            ));
        }
        item.items.push(parse_quote! {
            fn new(
                config: Self::Config,
                _: &mut ::tollgate::Context<'_, Self>,
            ) -> ::tollgate::Result<Self, ::tollgate::ConfigError> {
                ::core::result::Result::Ok(config)
            }
        });
    }
}

/// Whether the module must export `proxy_on_delete`. A filter without stream state that has only one callback
/// per stream does not need it: it has nothing to find in a later callback, and nothing to release.
fn needs_on_delete(capabilities: &Punctuated<Ident, Token![,]>, item: &ItemImpl) -> bool {
    let has_stream_state = item.items.iter().any(|item| match item {
        ImplItem::Type(ty) => {
            ty.ident == "Stream" && !matches!(&ty.ty, Type::Tuple(tuple) if tuple.elems.is_empty())
        }
        _ => false,
    });
    let once_per_stream = ["new", "on_request_headers", "on_queue_ready", "on_error"];
    has_stream_state
        || !capabilities.is_empty()
        || methods(item).any(|method| !once_per_stream.contains(&method.as_str()))
}

fn methods(item: &ItemImpl) -> impl Iterator<Item = String> {
    item.items.iter().filter_map(|item| match item {
        ImplItem::Fn(method) => Some(method.sig.ident.to_string()),
        _ => None,
    })
}
