//! The attributes of a configuration type, its fields and its variants.

use proc_macro2::{Ident, TokenStream as Code};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Error, Expr, ExprLit, ExprRange, Lit, LitInt, LitStr, Result, Type, Variant};

/// Attributes of the type.
#[derive(Default)]
pub(super) struct Container {
    pub(super) default: bool,
    pub(super) blank: Option<Expr>,
    pub(super) instead: Option<Expr>,
    pub(super) expected: Option<LitStr>,
    pub(super) rename_all: Option<LitStr>,
    pub(super) min_properties: Option<LitInt>,
    pub(super) text: Option<Text>,
    pub(super) try_from: Option<Type>,
    pub(super) docs: String,
}

/// A type that is read from a string.
pub(super) struct Text {
    pub(super) expected: LitStr,
    pub(super) pattern: Option<LitStr>,
}

impl Container {
    pub(super) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self { docs: docs(attributes), ..Self::default() };
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("config")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("default") {
                    container.default = true;
                } else if meta.path.is_ident("blank") {
                    container.blank = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("instead") {
                    container.instead = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("expected") {
                    container.expected = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("rename_all") {
                    container.rename_all = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("min_properties") {
                    container.min_properties = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("try_from") {
                    container.try_from = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("text") {
                    let (mut expected, mut pattern) = (None, None);
                    meta.parse_nested_meta(|meta| {
                        if meta.path.is_ident("expected") {
                            expected = Some(meta.value()?.parse()?);
                        } else if meta.path.is_ident("pattern") {
                            pattern = Some(meta.value()?.parse()?);
                        } else {
                            return Err(meta.error("unknown attribute, expected `expected` or `pattern`"));
                        }
                        Ok(())
                    })?;
                    let expected = expected.ok_or_else(|| meta.error("`text` needs `expected`"))?;
                    container.text = Some(Text { expected, pattern });
                } else {
                    return Err(meta.error(
                        "unknown attribute, expected one of `default`, `blank`, `instead`, `expected`, `rename_all`, \
                         `min_properties`, `text`, `try_from`",
                    ));
                }
                Ok(())
            })?;
        }
        Ok(container)
    }

    /// Returns a name in the notation of the container; `name` is in `snake_case`.
    pub(super) fn renamed(&self, name: String) -> Result<String> {
        match self.rename_all.as_ref().map(LitStr::value).as_deref() {
            None | Some("snake_case") => Ok(name),
            Some("SCREAMING_SNAKE_CASE") => Ok(name.to_ascii_uppercase()),
            Some("camelCase") => {
                let mut words = name.split('_');
                let first = words.next().unwrap_or_default().to_owned();
                Ok(words.fold(first, |name, word| {
                    let (initial, rest) = word.split_at(word.len().min(1));
                    name + &initial.to_ascii_uppercase() + rest
                }))
            }
            Some(other) => Err(Error::new_spanned(
                &self.rename_all,
                format!(
                    "unknown notation `{other}`, expected `snake_case`, `SCREAMING_SNAKE_CASE` or `camelCase`"
                ),
            )),
        }
    }

    pub(super) fn blank(&self) -> Code {
        self.blank
            .as_ref()
            .map_or_else(|| quote!(::core::default::Default::default()), ToTokens::to_token_stream)
    }

    pub(super) fn instead(&self) -> Code {
        self.instead.as_ref().map_or_else(|| quote!([]), ToTokens::to_token_stream)
    }
}

/// Attributes of a field.
#[derive(Default)]
pub(super) struct Options {
    pub(super) rename: Option<LitStr>,
    pub(super) alias: Option<LitStr>,
    pub(super) default: Option<Option<Expr>>,
    pub(super) range: Option<ExprRange>,
    pub(super) skip: bool,
    pub(super) flatten: bool,
}

impl Options {
    /// Returns how many attributes there are.
    pub(super) fn count(&self) -> usize {
        let Self { rename, alias, default, range, skip, flatten } = self;
        let texts = [rename.is_some(), alias.is_some(), default.is_some(), range.is_some()];
        texts.into_iter().chain([*skip, *flatten]).filter(|is_given| *is_given).count()
    }

    pub(super) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("config")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    options.rename = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("alias") {
                    options.alias = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("default") {
                    let value = meta.input.peek(syn::Token![=]).then(|| meta.value()?.parse()).transpose()?;
                    options.default = Some(value);
                } else if meta.path.is_ident("range") {
                    options.range = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("skip") {
                    options.skip = true;
                } else if meta.path.is_ident("flatten") {
                    options.flatten = true;
                } else {
                    return Err(meta.error(
                        "unknown attribute, expected one of `default`, `range`, `rename`, `alias`, `skip`, `flatten`",
                    ));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }
}

/// The name of a variant in a configuration.
pub(super) fn name_of(variant: &Variant, container: &Container) -> Result<String> {
    let options = Options::parse(&variant.attrs)?;
    if options.count() > usize::from(options.rename.is_some()) {
        return Err(Error::new_spanned(variant, "a variant can only have `rename`"));
    }
    if let Some(name) = options.rename {
        return Ok(name.value());
    }
    container.renamed(snake_case(&variant.ident))
}

/// Returns the name of a variant in `snake_case`.
pub(crate) fn snake_case(ident: &Ident) -> String {
    let mut text = String::new();
    for (index, letter) in ident.unraw().to_string().char_indices() {
        if letter.is_uppercase() && index > 0 {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// The documentation of an item: paragraphs are separated by an empty line, lines of one are joined.
pub(super) fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let meta = attribute.meta.require_name_value().ok().filter(|meta| meta.path.is_ident("doc"))?;
        match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_owned()),
            _ => None,
        }
    });
    let mut text = String::new();
    for line in lines {
        if line.is_empty() {
            text.push_str("\n\n");
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&line);
        }
    }
    text
}
