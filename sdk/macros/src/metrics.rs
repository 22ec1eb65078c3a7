//! `#[derive(Metrics)]`: generates the function that defines the metrics of a struct, and lists its families
//! in a custom section of the module. `tollgate stats-tags` reads that section.

use proc_macro2::{Ident, Literal, Span, TokenStream as Code};
use quote::quote;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DataStruct, DeriveInput, Error, Field, Fields, GenericArgument, LitStr, PathArguments,
    Result, Token, Type, parenthesized,
};

pub(crate) fn expand(input: &DeriveInput) -> Result<Code> {
    let filter = filter_prefix(&input.attrs)?;
    let Data::Struct(DataStruct { fields: Fields::Named(fields), .. }) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "metrics need a struct with named fields"));
    };
    let prefix = Ident::new("prefix", Span::mixed_site());
    let (mut lists, mut values, mut families) = (Vec::new(), Vec::new(), String::new());
    let metrics = fields.named.iter().map(Metric::parse).collect::<Result<Vec<_>>>()?;
    check_names(&metrics, &fields.named)?;
    for (field, metric) in fields.named.iter().zip(&metrics) {
        let (ident, name) = (&field.ident, &metric.name);
        values.push(match metric.shape {
            Shape { is_named: true, .. } => {
                lists.push(ident);
                quote!(#ident: name.list(#name, #ident))
            }
            Shape { is_named: false, .. } => quote!(#ident: name.metric(#name)),
        });
        if !metric.labels.is_empty() {
            families.push_str(&format!("{filter}\t{name}\t{}\n", metric.labels.join(",")));
        }
    }
    let section = (!families.is_empty()).then(|| {
        let (len, bytes) = (families.len(), Literal::byte_string(families.as_bytes()));
        quote! {
            const _: () = {
                #[cfg(target_family = "wasm")]
                #[used]
                #[unsafe(link_section = "tollgate.metrics")]
                static FAMILIES: [u8; #len] = *#bytes;
            };
        }
    });
    let (ty, vis) = (&input.ident, &input.vis);
    let (impls, types, bounds) = input.generics.split_for_impl();
    let names = if filter.is_empty() { String::new() } else { format!("{filter}.") };
    let docs = format!(
        "Defines all metrics, or finds those that exist. Their names are `{names}<prefix>.<field>`; without a prefix, \
         `{names}<field>`."
    );
    Ok(quote! {
        #[automatically_derived]
        impl #impls #ty #types #bounds {
            #[doc = #docs]
            #vis fn define(
                #prefix: &str,
                #(#lists: impl ::core::iter::IntoIterator<Item = impl ::core::convert::AsRef<str>>),*
            ) -> ::core::result::Result<Self, ::tollgate::ConfigError> {
                let mut name = ::tollgate::metrics::Name::new(#filter, #prefix);
                let metrics = Self { #(#values),* };
                name.finish(metrics)
            }
        }
        #section
    })
}

/// Rejects a metric with the name of another one, or of a family. Prometheus would receive both under one
/// name, and a sum over the family would count events twice. Prometheus writes `_` for the dots.
fn check_names(metrics: &[Metric], fields: &Punctuated<Field, Token![,]>) -> Result<()> {
    let clashes = |this: &Metric, that: &Metric| {
        let (name, other) = (this.name.replace('.', "_"), that.name.replace('.', "_"));
        // The rule for the labels would take the rest of the name for a label.
        let is_in_family = || !that.labels.is_empty() && this.name.starts_with(&format!("{}.", that.name));
        !name.is_empty() && (name == other || is_in_family())
    };
    for (index, (metric, field)) in metrics.iter().zip(fields).enumerate() {
        let mut others = metrics.iter().enumerate().filter(|(other, _)| *other != index);
        if let Some((_, other)) = others.find(|(_, other)| clashes(metric, other)) {
            let message = format!("`{}` clashes with `{}`: use another name", metric.name, other.name);
            return Err(Error::new_spanned(field, message));
        }
    }
    Ok(())
}

/// Parses `#[metrics(prefix = "..")]`.
fn filter_prefix(attributes: &[Attribute]) -> Result<String> {
    let mut prefix = String::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("metrics")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("prefix") {
                return Err(meta.error("unknown attribute, expected `prefix`"));
            }
            prefix = name_in(&meta.value()?.parse()?)?;
            Ok(())
        })?;
    }
    Ok(prefix)
}

fn name_in(text: &LitStr) -> Result<String> {
    let name = text.value();
    let valid = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match name.split('.').all(valid) {
        true => Ok(name),
        false => Err(Error::new_spanned(text, "expected letters, digits and `_`, in parts separated by `.`")),
    }
}

/// A field.
struct Metric {
    name: String,
    shape: Shape,
    labels: Vec<String>,
}

impl Metric {
    fn parse(field: &Field) -> Result<Self> {
        let shape = Shape::parse(&field.ty)?;
        let mut name = field.ident.as_ref().map(|ident| ident.unraw().to_string()).unwrap_or_default();
        let (mut labels, mut is_flat) = (Vec::new(), false);
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("metric")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    name = name_in(&meta.value()?.parse()?)?;
                } else if meta.path.is_ident("flatten") {
                    is_flat = true;
                } else if meta.path.is_ident("by") {
                    let content;
                    parenthesized!(content in meta.input);
                    let given = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?;
                    labels = given.iter().map(|label| label.unraw().to_string()).collect();
                } else {
                    return Err(meta.error("unknown attribute, expected one of `by`, `flatten`, `name`"));
                }
                Ok(())
            })?;
        }
        if is_flat {
            if shape.labels != 1 || shape.is_named || !labels.is_empty() {
                return Err(Error::new(field.ty.span(), "`flatten` needs a `Family` without `by`"));
            }
            name.clear();
        } else if labels.len() != shape.labels {
            let message = format!(
                "found {} labels, expected {}: name each with `#[metric(by(..))]`, or use `#[metric(flatten)]`",
                labels.len(),
                shape.labels
            );
            return Err(Error::new(field.ty.span(), message));
        }
        Ok(Self { name, shape, labels })
    }
}

/// The type of a field.
struct Shape {
    /// Number of labels.
    labels: usize,
    /// Whether the first label has the names of a list.
    is_named: bool,
}

impl Shape {
    fn parse(ty: &Type) -> Result<Self> {
        let unknown = || {
            Error::new(
                ty.span(),
                "expected `Counter`, `Gauge`, `Histogram`, `Family<Enum>`, `NamedFamily<Counter>` or \
                 `NamedFamily<Family<Enum>>`",
            )
        };
        let Type::Path(path) = ty else { return Err(unknown()) };
        let Some(last) = path.path.segments.last() else { return Err(unknown()) };
        match last.ident.to_string().as_str() {
            "Counter" | "Gauge" | "Histogram" => Ok(Self { labels: 0, is_named: false }),
            "Family" => Ok(Self { labels: 1, is_named: false }),
            "NamedFamily" => {
                let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Err(unknown()) };
                let Some(GenericArgument::Type(of)) = arguments.args.first() else { return Err(unknown()) };
                match Self::parse(of)? {
                    Self { is_named: true, .. } => Err(unknown()),
                    Self { labels, is_named: false } => Ok(Self { labels: labels + 1, is_named: true }),
                }
            }
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn lists_the_families_and_takes_the_names_of_a_list() {
        let code = expand(&parse_quote! {
            #[metrics(prefix = "a.b")]
            struct Statistics {
                plain: Counter,
                #[metric(name = "limit", by(limit, event))]
                limits: metrics::NamedFamily<Family<Event>>,
                #[metric(flatten)]
                flat: Family<Event>,
            }
        });
        let code = code.map(|code| code.to_string()).unwrap_or_default();
        assert!(code.contains(r#"b"a.b\tlimit\tlimit,event\n""#), "{code}");
        assert!(code.contains("limits : impl :: core :: iter :: IntoIterator"), "{code}");
    }

    #[test]
    fn rejects_fields_that_it_cannot_define() {
        let metrics = |fields: &str| {
            let item = syn::parse_str(&format!("struct Statistics {{ {fields} }}"));
            item.and_then(|item| expand(&item))
                .map_or_else(|error| error.to_string(), |code| code.to_string())
        };
        for (fields, expected) in [
            ("a: u32", "expected `Counter`, `Gauge`"),
            ("a: NamedFamily<NamedFamily<Counter>>", "expected `Counter`, `Gauge`"),
            ("a: Family<E>", "found 0 labels, expected 1"),
            ("#[metric(by(a, b))] a: Family<E>", "found 2 labels, expected 1"),
            ("#[metric(by(a))] a: Counter", "found 1 labels, expected 0"),
            ("#[metric(flatten)] a: Counter", "`flatten` needs a `Family` without `by`"),
            ("#[metric(names = \"a\")] a: Counter", "expected one of `by`, `flatten`, `name`"),
            ("#[metric(name = \"a b\")] a: Counter", "expected letters, digits and `_`"),
            ("a: Counter, #[metric(name = \"a\", by(x))] b: Family<E>", "`a` clashes with `a`: use another"),
            ("#[metric(by(x))] a: Family<E>, #[metric(name = \"a\")] b: Gauge", "`a` clashes with `a`"),
            ("#[metric(by(x))] a: Family<E>, #[metric(name = \"a.b\")] b: Gauge", "`a.b` clashes with `a`"),
            ("a_b: Counter, #[metric(name = \"a.b\")] c: Counter", "`a_b` clashes with `a.b`"),
        ] {
            assert!(metrics(fields).contains(expected), "{fields}: {}", metrics(fields));
        }
    }
}
