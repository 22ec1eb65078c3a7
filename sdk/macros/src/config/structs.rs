//! Structs with named fields.

use super::Parts;
use super::attributes::{Container, Options, docs};
use proc_macro2::{Literal, Span, TokenStream as Code};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Expr, ExprLit, ExprRange, Field, Lit, Result, Type, parse_quote};

pub(super) fn structure<'f>(
    input: &DeriveInput,
    container: &Container,
    fields: impl Iterator<Item = &'f Field>,
) -> Result<Parts> {
    let (mut table, mut arms, mut blanks) = (Vec::new(), Vec::new(), Vec::new());
    let (mut properties, mut required, mut written) = (Vec::new(), Vec::new(), Vec::new());
    let mut flattened = None;
    for field in fields {
        let options = Options::parse(&field.attrs)?;
        let Some(ident) = &field.ident else { continue };
        if options.skip {
            blanks.push(quote!(#ident: ::core::default::Default::default()));
            continue;
        }
        if options.flatten {
            let ty = &field.ty;
            if flattened.replace((ident, ty)).is_some() || input.generics.type_params().next().is_some() {
                let message = "a struct without type parameters can have one flattened field";
                return Err(Error::new_spanned(field, message));
            }
            if options.count() > 1 {
                let message = "`flatten` cannot be combined with other attributes";
                return Err(Error::new_spanned(field, message));
            }
            blanks.push(quote!(#ident: ::tollgate::config::Config::blank()));
            properties.push(quote! {
                ::tollgate::config::schema::flatten(
                    &mut schema,
                    <#ty as ::tollgate::config::derived::schemars::JsonSchema>::json_schema(generator),
                    ::tollgate::config::Config::written(&blank.#ident).as_ref(),
                );
            });
            written.push(quote! {
                if let ::core::option::Option::Some(::tollgate::config::derived::Value::Object(members)) =
                    ::tollgate::config::Config::written(&self.#ident)
                {
                    object.extend(members);
                }
            });
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
        // An error about the type of the field is shown at the type.
        let at = Span::call_site().located_at(field.ty.span());
        arms.push(quote_spanned!(at=> #index => ::core::option::Option::Some(&mut self.#ident)));
        if container.default && matches!(options.default, Some(Some(_))) {
            let message = "the default of the struct decides, remove this one or that of the struct";
            return Err(Error::new_spanned(field, message));
        }
        match options.default.flatten() {
            Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => {
                blanks.push(quote!(#ident: ::core::convert::Into::into(#text)));
            }
            Some(value) => blanks.push(quote!(#ident: #value)),
            None => blanks.push(quote_spanned!(at=> #ident: ::tollgate::config::Config::blank())),
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
    let (mut table, mut instead) = (quote!(&[#(#table),*]), quote!(&#instead));
    let mut other_field = quote!(::core::option::Option::None);
    if let Some((ident, ty)) = flattened {
        let (no_field, own) =
            (quote!(::tollgate::config::Field::NONE), Literal::usize_unsuffixed(arms.len()));
        table = joined(
            &quote!(::tollgate::config::Field),
            &table,
            &quote!(<#ty as ::tollgate::config::derived::Tables>::FIELDS),
            &no_field,
        );
        instead = joined(
            &quote!((&str, &str)),
            &instead,
            &quote!(<#ty as ::tollgate::config::derived::Tables>::INSTEAD),
            &quote!(("", "")),
        );
        other_field = quote!(::tollgate::config::Object::field(&mut self.#ident, index - #own));
    }
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
            impl #impls ::tollgate::config::derived::Tables for #name #types #bounds {
                const FIELDS: &'static [::tollgate::config::Field] = {
                    const FIELDS: &[::tollgate::config::Field] = #table;
                    ::tollgate::config::derived::check(FIELDS);
                    FIELDS
                };
                const INSTEAD: &'static [(&'static str, &'static str)] = #instead;
            }

            #[automatically_derived]
            impl #impls ::tollgate::config::Object for #name #types #bounds {
                fn fields(&self) -> &'static [::tollgate::config::Field] {
                    <Self as ::tollgate::config::derived::Tables>::FIELDS
                }

                fn field(
                    &mut self,
                    index: usize,
                ) -> ::core::option::Option<&mut dyn ::tollgate::config::Config> {
                    match index {
                        #(#arms,)*
                        _ => #other_field,
                    }
                }

                fn instead(&self) -> &'static [(&'static str, &'static str)] {
                    <Self as ::tollgate::config::derived::Tables>::INSTEAD
                }
            }
        },
    })
}

/// Joins the table of a struct with that of the struct that it flattens.
fn joined(entry: &Code, own: &Code, flattened: &Code, filler: &Code) -> Code {
    quote! {{
        const OWN: &[#entry] = #own;
        const FLATTENED: &[#entry] = #flattened;
        const ALL: [#entry; OWN.len() + FLATTENED.len()] =
            ::tollgate::config::derived::joined(OWN, FLATTENED, #filler);
        &ALL
    }}
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
