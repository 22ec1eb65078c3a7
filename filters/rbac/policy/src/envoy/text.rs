//! Matchers of strings, paths and networks.

use super::object::{Field, Message, integer, name};
use crate::{Attribute, Expr, Predicate};
use tollgate_policy::config::{self, text};
use tollgate_policy::{Cidr, ConfigError, PathMatcher, StringMatcher, Value};

/// A pattern of Envoy's `StringMatcher`, in the notation of [`StringMatcher`] and [`PathMatcher`].
pub(super) struct Pattern {
    kind: &'static str,
    text: String,
    ignore_case: bool,
}

impl Pattern {
    /// Returns a pattern; `kind` is a field of [`StringMatcher`], or `template`.
    pub fn new(kind: &'static str, text: &str) -> Self {
        Self { kind, text: text.into(), ignore_case: false }
    }

    /// Reads Envoy's `StringMatcher`.
    #[inline(never)]
    pub fn read(value: &Value) -> Result<Self, ConfigError> {
        let names = &["exact", "prefix", "suffix", "contains", "safe_regex", "ignore_case"];
        let instead = &[("custom", "not supported, use `safe_regex`"), ("regex", "use `safe_regex`")];
        let message = Message::read_instead(value, names, instead)?;
        let (kind, field) = message.one(&["ignore_case"])?;
        let ignore_case = message.flag("ignore_case")?;
        if kind != "safe_regex" {
            return Ok(Self { ignore_case, ..Self::new(kind, field.read(|value| text(value, "a string"))?) });
        }
        if ignore_case {
            // Envoy ignores the flag here, and so would match less than an operator expects.
            return Err(ConfigError::here(
                &"not supported with `safe_regex`, begin the expression with `(?i)`",
            )
            .in_member("ignore_case"));
        }
        field.read(Self::regex)
    }

    /// Reads Envoy's `RegexMatcher`.
    pub fn regex(value: &Value) -> Result<Self, ConfigError> {
        // `google_re2` selects an engine and a maximum size of an expression. Size has a maximum here too.
        let message = Message::read(value, &["regex", "google_re2"])?;
        Ok(Self::new("regex", message.required("regex")?.read(name)?))
    }

    /// Ignores the case of letters.
    pub fn ignoring_case(mut self) -> Self {
        self.ignore_case = true;
        self
    }

    /// Rejects the name of a service account without `spiffe://`. It matches no URI, DNS name or subject.
    pub fn check_identity(&self) -> Result<(), ConfigError> {
        let anchored = matches!(self.kind, "exact" | "prefix");
        let is_account = self.text.contains("/ns/") || self.text.contains("/sa/");
        if !anchored || !is_account || self.text.contains("://") || self.text.contains('=') {
            return Ok(());
        }
        let found = self.text.escape_debug();
        let message = format_args!("`{found}` matches no certificate, expected `spiffe://{found}`");
        Err(ConfigError::here(&message).in_member(self.kind))
    }

    /// Returns the text of a pattern that only matches this text.
    pub fn exact(&self) -> Option<&str> {
        (self.kind == "exact" && !self.ignore_case).then_some(&self.text)
    }

    fn written(&self) -> Value {
        let mut fields = serde_json::Map::new();
        fields.insert(self.kind.into(), self.text.as_str().into());
        if self.ignore_case {
            fields.insert("ignore_case".into(), true.into());
        }
        Value::Object(fields)
    }

    /// Returns the pattern as a matcher of strings.
    #[inline(never)]
    pub fn matcher(&self) -> Result<StringMatcher, ConfigError> {
        config::read(&self.written())
    }

    /// Returns a test of an attribute.
    #[inline(never)]
    pub fn test(&self, attribute: Attribute) -> Result<Expr, ConfigError> {
        if attribute == Attribute::Path {
            let matcher: PathMatcher = config::read(&self.written())?;
            return Ok(Expr::test(attribute, Predicate::Path([matcher].into())));
        }
        if let Some(exact) = self.exact() {
            return Ok(Expr::one_of(attribute, [exact]));
        }
        Ok(Expr::test(attribute, Predicate::Text([self.matcher()?].into())))
    }

    /// Returns a test of an attribute. An absent attribute is tested as an empty text.
    pub fn test_or_empty(&self, attribute: Attribute) -> Result<Expr, ConfigError> {
        let absent = Expr::present(attribute.clone()).not();
        let test = self.test(attribute)?;
        let matches_empty = self.matcher()?.matches(b"");
        Ok(if matches_empty { Expr::Any(vec![absent, test]) } else { test })
    }
}

/// Reads a test of an attribute.
pub(super) fn test(value: &Value, attribute: Attribute) -> Result<Expr, ConfigError> {
    Pattern::read(value)?.test(attribute)
}

/// Reads Envoy's `PathMatcher`.
pub(super) fn url_path(value: &Value) -> Result<Expr, ConfigError> {
    let path = Message::read(value, &["path"])?.required("path")?;
    path.read(|value| test(value, Attribute::Path))
}

/// Reads Envoy's `CidrRange`. Returns the network and the length of its prefix.
#[inline(never)]
pub(super) fn network(value: &Value) -> Result<(Cidr, i64), ConfigError> {
    let message = Message::read(value, &["address_prefix", "prefix_len"])?;
    let address = message.required("address_prefix")?;
    let text = address.read(name)?;
    // Envoy's default is 0, which matches every address.
    let length = message.required("prefix_len")?;
    let bits = if text.contains(':') { 128 } else { 32 };
    let length = integer(length.value, 0, bits).map_err(|error| error.in_member(length.name))?;
    if text.contains('/') {
        return Err(not_address(address));
    }
    let network = format!("{text}/{length}").parse().map_err(|error| address.error(&error))?;
    Ok((network, length))
}

/// Returns an error for a text that is not an address.
#[inline(never)]
pub(super) fn not_address(field: Field<'_>) -> ConfigError {
    field.error(&format_args!("{} is not an address such as `10.0.0.1` or `2001:db8::1`", field.value))
}

/// Reads a test that an address is in a network.
pub(super) fn in_network(value: &Value, attribute: Attribute) -> Result<Expr, ConfigError> {
    Ok(in_networks(attribute, [network(value)?.0].into()))
}

/// Returns a test that an address is in one of some networks.
pub(super) fn in_networks(attribute: Attribute, networks: Box<[Cidr]>) -> Expr {
    Expr::test(attribute, Predicate::Network(networks))
}
