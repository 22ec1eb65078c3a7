//! Structs with named fields.

use super::Parts;
use super::attributes::{Container, Options, docs};
use proc_macro2::{Literal, TokenStream as Code};
use quote::quote;
use syn::ext::IdentExt;
use syn::{DeriveInput, Error, Expr, ExprLit, ExprRange, Field, Lit, Result, Type, parse_quote};

pub(super) fn structure<'f>(
    input: &DeriveInput,
    container: &Container,
    fields: impl Iterator<Item = &'f Field>,
) -> Result<Parts> {
    let (mut table, mut arms, mut blanks) = (Vec::new(), Vec::new(), Vec::new());
    let (mut properties, mut required, mut written) = (Vec::new(), Vec::new(), Vec::new());
    for field in fields {
        let options = Options::parse(&field.attrs)?;
        let Some(ident) = &field.ident else { continue };
        if options.skip {
            blanks.push(quote!(#ident: ::core::default::Default::default()));
            continue;
        }
        let name = match options.rename {
            Some(name) => name.value(),
            None => container.renamed(ident.unraw().to_string())?,
        };
        let alias = options.alias.map_or_else(|| quote!(None), |alias| quote!(Some(#alias)));
        let range = range(options.range.as_ref())?;
        let optional = container.default || options.default.is_some() || is_option(&field.ty);
        let must = !optional;
        table.push(quote! {
            ::tollgate::config::Field {
                name: #name,
                alias: ::core::option::Option::#alias,
                required: #must,
                range: ::core::option::Option::#range,
            }
        });
        let index = Literal::usize_unsuffixed(arms.len());
        arms.push(quote!(#index => ::core::option::Option::Some(&mut self.#ident)));
        if container.default && matches!(options.default, Some(Some(_))) {
            let message = "the default of the struct decides, remove this one or that of the struct";
            return Err(Error::new_spanned(field, message));
        }
        match options.default.flatten() {
            Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => {
                blanks.push(quote!(#ident: ::core::convert::Into::into(#text)));
            }
            Some(value) => blanks.push(quote!(#ident: #value)),
            None => blanks.push(quote!(#ident: ::tollgate::config::Config::blank())),
        }
        if must {
            required.push(name.clone());
        }
        let (ty, docs) = (&field.ty, docs(&field.attrs));
        properties.push(quote! {
            ::tollgate::config::schema::property(
                &mut schema, #name, #docs, generator.subschema_for::<#ty>(),
                #optional.then(|| ::tollgate::config::Config::written(&blank.#ident)).flatten(),
                ::core::option::Option::#range,
            );
        });
        written.push(quote! {
            if let ::core::option::Option::Some(value) = ::tollgate::config::Config::written(&self.#ident) {
                object.insert(#name.into(), value);
            }
        });
    }
    // `Object::fill_members` keeps the fields that it has seen in the bits of a number.
    if table.len() > 64 {
        return Err(Error::new_spanned(&input.ident, "a configuration can have at most 64 fields"));
    }
    let blank = if container.default || container.blank.is_some() {
        container.blank()
    } else {
        quote!(Self { #(#blanks),* })
    };
    let (instead, docs, name) = (container.instead(), &container.docs, &input.ident);
    let min_properties = container.min_properties.iter();
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(::tollgate::config::Config));
    }
    let (impls, types, bounds) = generics.split_for_impl();
    Ok(Parts {
        blank,
        fill: quote!((self as &mut dyn ::tollgate::config::Object).fill_members(value)),
        written: quote! {
            let mut object = ::tollgate::config::derived::serde_json::Map::new();
            let _ = &mut object;
            #(#written)*
            ::core::option::Option::Some(object.into())
        },
        schema: quote! {
            let blank = <Self as ::tollgate::config::Config>::blank();
            let _ = &blank;
            let mut schema = ::tollgate::config::schema::object(#docs, &[#(#required),*]);
            #(schema.insert("minProperties".into(), #min_properties.into());)*
            #(#properties)*
            schema
        },
        items: quote! {
            #[automatically_derived]
            impl #impls ::tollgate::config::Object for #name #types #bounds {
                fn fields(&self) -> &'static [::tollgate::config::Field] {
                    &[#(#table),*]
                }

                fn field(
                    &mut self,
                    index: usize,
                ) -> ::core::option::Option<&mut dyn ::tollgate::config::Config> {
                    match index {
                        #(#arms,)*
                        _ => ::core::option::Option::None,
                    }
                }

                fn instead(&self) -> &'static [(&'static str, &'static str)] {
                    &#instead
                }
            }
        },
    })
}

/// Whether a type is written as `Option<..>`. Such a field may be missing.
fn is_option(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Option")
}

/// The first and the last number of an inclusive range.
fn range(range: Option<&ExprRange>) -> Result<Code> {
    let Some(range) = range else { return Ok(quote!(None)) };
    match (&range.start, &range.limits, &range.end) {
        (Some(first), syn::RangeLimits::Closed(_), Some(last)) => Ok(quote!(Some((#first, #last)))),
        _ => Err(Error::new_spanned(range, "expected a range such as `1..=10`")),
    }
}
