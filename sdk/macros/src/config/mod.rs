//! `#[derive(Config)]`: generates the reader and the JSON Schema of a configuration type.

mod attributes;
mod enums;
mod structs;

pub(crate) use attributes::snake_case;
use attributes::{Container, Text};
use enums::{names, one_of};
use proc_macro2::TokenStream as Code;
use quote::quote;
use structs::structure;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Error, Field, Fields, Result, Type, parse_quote};

pub(crate) fn expand(input: &DeriveInput) -> Result<Code> {
    let container = Container::parse(&input.attrs)?;
    let parts = if let Some(text) = &container.text {
        read_from_text(text, &container)
    } else if let Some(raw) = &container.try_from {
        read_by_conversion(raw, &container)
    } else {
        match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => structure(input, &container, fields.named.iter())?,
                Fields::Unnamed(fields)
                    if let (Some(field), 1) = (fields.unnamed.first(), fields.unnamed.len()) =>
                {
                    transparent(&container, field)?
                }
                Fields::Unnamed(_) | Fields::Unit => {
                    return Err(Error::new_spanned(
                        &input.ident,
                        "a configuration needs a struct with named fields",
                    ));
                }
            },
            Data::Enum(data) if data.variants.iter().all(|variant| variant.fields.is_empty()) => {
                names(&container, data.variants.iter())?
            }
            Data::Enum(data) => one_of(&container, data.variants.iter())?,
            Data::Union(_) => return Err(Error::new_spanned(&input.ident, "a union cannot be read")),
        }
    };
    Ok(parts.implement(input))
}

/// The bodies of the generated functions.
struct Parts {
    blank: Code,
    fill: Code,
    /// Body of `written`: the value as it would be written in a configuration.
    written: Code,
    /// Body of `json_schema`, with `generator` in scope.
    schema: Code,
    /// Further items.
    items: Code,
}

impl Parts {
    fn implement(self, input: &DeriveInput) -> Code {
        let Self { blank, fill, written, schema, items } = self;
        let name = &input.ident;
        let mut generics = input.generics.clone();
        for parameter in generics.type_params_mut() {
            parameter.bounds.push(parse_quote!(::tollgate::config::Config));
        }
        let (impls, types, bounds) = generics.split_for_impl();
        let mut described = generics.clone();
        for parameter in described.type_params_mut() {
            parameter.bounds.push(parse_quote!(::tollgate::config::derived::schemars::JsonSchema));
        }
        let (described, ..) = described.split_for_impl();
        let text = name.unraw().to_string();
        quote! {
            #items

            #[automatically_derived]
            impl #impls ::tollgate::config::Config for #name #types #bounds {
                fn blank() -> Self {
                    #blank
                }

                fn fill(
                    &mut self,
                    value: &::tollgate::config::derived::Value,
                ) -> ::core::result::Result<(), ::tollgate::config::ConfigError> {
                    #fill
                }

                ::tollgate::if_schema! {
                    fn written(&self) -> ::core::option::Option<::tollgate::config::derived::Value> {
                        #written
                    }
                }
            }

            ::tollgate::if_schema! {
                #[automatically_derived]
                impl #described ::tollgate::config::derived::schemars::JsonSchema for #name #types #bounds {
                    fn schema_name() -> ::std::borrow::Cow<'static, str> {
                        ::std::borrow::Cow::Borrowed(#text)
                    }

                    fn schema_id() -> ::std::borrow::Cow<'static, str> {
                        ::std::borrow::Cow::Borrowed(::core::any::type_name::<Self>())
                    }

                    fn json_schema(
                        generator: &mut ::tollgate::config::derived::schemars::SchemaGenerator,
                    ) -> ::tollgate::config::derived::schemars::Schema {
                        let _ = &generator;
                        #schema
                    }
                }
            }
        }
    }
}

/// A struct with one unnamed field is read as that field.
fn transparent(container: &Container, field: &Field) -> Result<Parts> {
    if field.attrs.iter().any(|attribute| attribute.path().is_ident("config")) {
        return Err(Error::new_spanned(field, "an unnamed field has no attributes"));
    }
    let (ty, docs) = (&field.ty, &container.docs);
    let blank = if container.default || container.blank.is_some() {
        container.blank()
    } else {
        quote!(Self(::tollgate::config::Config::blank()))
    };
    Ok(Parts {
        blank,
        fill: quote!(::tollgate::config::Config::fill(&mut self.0, value)),
        written: quote!(::tollgate::config::Config::written(&self.0)),
        schema: quote!(::tollgate::config::schema::described(generator.subschema_for::<#ty>(), #docs)),
        items: Code::new(),
    })
}

fn read_from_text(text: &Text, container: &Container) -> Parts {
    let Text { expected, pattern } = text;
    let pattern = pattern.as_ref().map_or_else(|| quote!(None), |pattern| quote!(Some(#pattern)));
    Parts {
        blank: container.blank(),
        fill: quote! {
            *self = ::tollgate::config::derived::from_text(value, #expected)?;
            ::core::result::Result::Ok(())
        },
        written: quote!(::core::option::Option::None),
        schema: quote!(::tollgate::config::schema::text(#expected, ::core::option::Option::#pattern)),
        items: Code::new(),
    }
}

fn read_by_conversion(raw: &Type, container: &Container) -> Parts {
    Parts {
        blank: container.blank(),
        fill: quote! {
            *self = ::tollgate::config::derived::convert::<#raw, Self>(value)?;
            ::core::result::Result::Ok(())
        },
        written: quote!(::core::option::Option::None),
        schema: quote! {
            <#raw as ::tollgate::config::derived::schemars::JsonSchema>::json_schema(generator)
        },
        items: Code::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attribute that would have no effect is an error.
    #[test]
    fn rejects_attributes_that_would_be_ignored() {
        let inputs: [(DeriveInput, &str); 10] = [
            (
                parse_quote! { #[config(default)] struct A { #[config(default = 1)] a: u8 } },
                "the default of the struct decides, remove this one or that of the struct",
            ),
            (parse_quote! { enum A { #[config(alias = "c")] B, C } }, "a variant can only have `rename`"),
            (parse_quote! { struct A(#[config(range = 1..=2)] u8); }, "an unnamed field has no attributes"),
            (
                parse_quote! { struct A { #[config(range = 1..2)] a: u8 } },
                "expected a range such as `1..=10`",
            ),
            (
                parse_quote! { struct A { #[config(defualt)] a: u8 } },
                "unknown attribute, expected one of `default`, `range`, `rename`, `alias`, `skip`, `flatten`",
            ),
            (parse_quote! { enum A { #[config(flatten)] B } }, "a variant can only have `rename`"),
            (
                parse_quote! { struct A { #[config(flatten, default)] a: B } },
                "`flatten` cannot be combined with other attributes",
            ),
            (
                parse_quote! { struct A { #[config(flatten)] a: B, #[config(flatten)] c: D } },
                "a struct without type parameters can have one flattened field",
            ),
            (parse_quote! { struct A; }, "a configuration needs a struct with named fields"),
            (parse_quote! { enum A { B(u8, u8) } }, "expected a variant with one value: `Name(Type)`"),
        ];
        for (input, message) in inputs {
            assert_eq!(expand(&input).unwrap_err().to_string(), message);
        }
    }
}
