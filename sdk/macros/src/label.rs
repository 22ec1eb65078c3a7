//! `#[derive(Label)]`: the names of an enum's variants, and their positions.

use crate::config::snake_case;
use proc_macro2::{Literal, TokenStream as Code};
use quote::quote;
use syn::{Data, DeriveInput, Error, LitStr, Result, Variant};

pub(crate) fn expand(input: &DeriveInput) -> Result<Code> {
    let expected = || Error::new_spanned(&input.ident, "expected an enum with variants without values");
    let Data::Enum(data) = &input.data else { return Err(expected()) };
    if data.variants.is_empty() || data.variants.iter().any(|variant| !variant.fields.is_empty()) {
        return Err(expected());
    }
    let names = data.variants.iter().map(name).collect::<Result<Vec<_>>>()?;
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let indices = (0..names.len()).map(Literal::usize_unsuffixed);
    let ty = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        impl ::tollgate::Label for #ty {
            const ALL: &'static [Self] = &[#(Self::#variants),*];

            fn name(self) -> &'static str {
                match self { #(Self::#variants => #names),* }
            }

            fn index(self) -> usize {
                match self { #(Self::#variants => #indices),* }
            }
        }
    })
}

fn name(variant: &Variant) -> Result<String> {
    let mut given: Option<LitStr> = None;
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("label")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("name") {
                return Err(meta.error("unknown attribute, expected `name`"));
            }
            given = Some(meta.value()?.parse()?);
            Ok(())
        })?;
    }
    let Some(given) = given else { return Ok(snake_case(&variant.ident)) };
    let name = given.value();
    match !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        true => Ok(name),
        false => Err(Error::new_spanned(given, "expected a name of letters, digits and `_`")),
    }
}
