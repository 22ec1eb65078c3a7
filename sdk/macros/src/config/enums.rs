//! Enums: of names, or of objects with one member.

use super::Parts;
use super::attributes::{Container, docs, name_of};
use proc_macro2::{Literal, TokenStream as Code};
use quote::{ToTokens, quote};
use syn::{Error, Fields, Result, Variant};

/// An enum of names.
pub(super) fn names<'v>(container: &Container, variants: impl Iterator<Item = &'v Variant>) -> Result<Parts> {
    let (mut names, mut idents, mut docs_of) = (Vec::new(), Vec::new(), Vec::new());
    let mut blank = None;
    for variant in variants {
        names.push(name_of(variant, container)?);
        docs_of.push(docs(&variant.attrs));
        if blank.is_none() || variant.attrs.iter().any(|attribute| attribute.path().is_ident("default")) {
            blank = Some(&variant.ident);
        }
        idents.push(&variant.ident);
    }
    let blank = blank.map_or_else(Code::new, |ident| quote!(Self::#ident));
    let blank = container.blank.as_ref().map_or(blank, ToTokens::to_token_stream);
    let indices = (0..names.len()).map(Literal::usize_unsuffixed);
    let docs = &container.docs;
    Ok(Parts {
        blank,
        fill: quote! {
            *self = match ::tollgate::config::variant(value, &[#(#names),*])? {
                #(#indices => Self::#idents,)*
                _ => return ::core::result::Result::Ok(()),
            };
            ::core::result::Result::Ok(())
        },
        written: quote! {
            ::core::option::Option::Some(match self { #(Self::#idents => #names),* }.into())
        },
        schema: quote!(::tollgate::config::schema::names(#docs, &[#((#names, #docs_of)),*])),
        items: Code::new(),
    })
}

/// An enum of objects with one member.
pub(super) fn one_of<'v>(
    container: &Container,
    variants: impl Iterator<Item = &'v Variant>,
) -> Result<Parts> {
    let (mut names, mut idents, mut types, mut docs_of) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for variant in variants {
        let Fields::Unnamed(fields) = &variant.fields else {
            return Err(Error::new_spanned(variant, "expected a variant with one value: `Name(Type)`"));
        };
        let (Some(field), 1) = (fields.unnamed.first(), fields.unnamed.len()) else {
            return Err(Error::new_spanned(variant, "expected a variant with one value: `Name(Type)`"));
        };
        names.push(name_of(variant, container)?);
        docs_of.push(docs(&variant.attrs));
        idents.push(&variant.ident);
        types.push(&field.ty);
    }
    let expected = match &container.expected {
        Some(expected) => expected.value(),
        None => format!("an object with one of `{}`", names.join("`, `")),
    };
    let blank = match (&container.blank, idents.first()) {
        (Some(blank), _) => blank.to_token_stream(),
        (None, Some(first)) => quote!(Self::#first(::tollgate::config::Config::blank())),
        (None, None) => Code::new(),
    };
    let indices = (0..names.len()).map(Literal::usize_unsuffixed);
    let (instead, docs) = (container.instead(), &container.docs);
    Ok(Parts {
        blank,
        fill: quote! {
            let (index, name, content) =
                ::tollgate::config::only_member(value, &[#(#names),*], &#instead, #expected)?;
            *self = match index {
                #(#indices => Self::#idents(::tollgate::config::Config::blank()),)*
                _ => return ::core::result::Result::Ok(()),
            };
            let blank: &mut dyn ::tollgate::config::Config = match self {
                #(Self::#idents(value) => value,)*
            };
            blank.fill(content).map_err(|error| error.in_member(name))
        },
        written: quote! {
            let (name, value) = match self {
                #(Self::#idents(value) => (#names, ::tollgate::config::Config::written(value)?),)*
            };
            ::core::option::Option::Some(::tollgate::config::derived::serde_json::json!({ name: value }))
        },
        schema: quote! {
            let mut schema = ::tollgate::config::schema::one_of(#docs);
            #(::tollgate::config::schema::choice(
                &mut schema, #names, #docs_of, generator.subschema_for::<#types>(),
            );)*
            schema
        },
        items: Code::new(),
    })
}
