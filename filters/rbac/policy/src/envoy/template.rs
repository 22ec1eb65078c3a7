//! Templates of paths, as Envoy's `uri_template`.

use super::object::{Extension, name};
use super::text::Pattern;
use crate::{Attribute, Expr};
use tollgate_policy::{ConfigError, Value};

const TYPE: &str = "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";

/// Maximum length of a template, as in Envoy.
const MAX: usize = 256;

/// Reads the extension `envoy.path.match.uri_template`.
pub(super) fn uri_template(value: &Value) -> Result<Expr, ConfigError> {
    let extension = Extension::read(value)?;
    if extension.kind != TYPE {
        return Err(extension.unsupported(&[TYPE]));
    }
    extension.message(&["@type", "path_template"], |message| {
        message.required("path_template")?.read(|value| pattern(name(value)?)?.test(Attribute::Path))
    })
}

/// Returns the pattern of a template. `*` matches any segment: in Envoy, only one of the characters that
/// RFC 3986 allows in a path, so that a client could bypass a rule with another character.
///
/// A template whose operators are whole segments becomes a template of ours, which can be indexed. But `**`
/// has another meaning there: `/a/**` would match `/a` too.
#[inline(never)]
fn pattern(text: &str) -> Result<Pattern, ConfigError> {
    let invalid = |reason: &str| {
        let text = text.escape_debug();
        ConfigError::here(&format_args!("`{text}` is not a template of a path: {reason}"))
    };
    if text.len() > MAX {
        return Err(invalid("longer than 256 bytes"));
    }
    let mut parser = Parser::default();
    parser.template(text).map_err(invalid)?;
    Ok(if parser.rest || parser.partial {
        Pattern::new("regex", &parser.regex)
    } else {
        Pattern::new("template", &parser.template)
    })
}

#[derive(Default)]
struct Parser<'t> {
    /// The regular expression so far.
    regex: String,
    /// Our template so far.
    template: String,
    /// Names of variables.
    names: Vec<&'t str>,
    /// Whether `**` was found.
    rest: bool,
    /// Whether an operator was found that is not a whole segment.
    partial: bool,
}

impl<'t> Parser<'t> {
    fn template(&mut self, text: &'t str) -> Result<(), &'static str> {
        let mut left = text.strip_prefix('/').ok_or("must begin with `/`")?;
        self.slash();
        loop {
            // A segment ends at the next slash outside of a variable.
            let mut depth = 0;
            let end = left.find(|c: char| {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                c == '/' && depth == 0
            });
            let (segment, rest) = match end.and_then(|end| left.split_at_checked(end)) {
                Some((segment, rest)) => (segment, rest.strip_prefix('/')),
                None => (left, None),
            };
            if segment.is_empty() && rest.is_some() {
                return Err("has an empty segment");
            }
            self.segment(segment)?;
            let Some(rest) = rest else { return Ok(()) };
            self.slash();
            left = rest;
        }
    }

    fn segment(&mut self, segment: &'t str) -> Result<(), &'static str> {
        let (start, rest) =
            segment.split_at_checked(segment.find('{').unwrap_or(segment.len())).unwrap_or_default();
        if rest.is_empty() {
            return self.operators(start);
        }
        let (variable, end) = rest.split_once('}').ok_or("has `{` without `}`")?;
        if end.contains(['{', '*']) || start.contains('*') {
            return Err("has two operators in a segment");
        }
        let variable = variable.strip_prefix('{').unwrap_or(variable);
        let (name, value) = variable.split_once('=').unwrap_or((variable, "*"));
        let valid = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !valid {
            return Err("has an invalid name of a variable");
        }
        if self.names.contains(&name) {
            return Err("has two variables with the same name");
        }
        self.names.push(name);
        self.partial |= !start.is_empty() || !end.is_empty();
        self.operators(start)?;
        for (index, part) in value.split('/').enumerate() {
            if part.is_empty() {
                return Err("has an empty segment");
            }
            if index > 0 {
                self.slash();
            }
            self.operators(part)?;
        }
        self.operators(end)
    }

    /// Reads a part of a segment without variables.
    fn operators(&mut self, part: &str) -> Result<(), &'static str> {
        let Some(start) = part.find('*') else { return self.literal(part) };
        let (before, rest) = part.split_at_checked(start).unwrap_or_default();
        let (operator, after) = match rest.strip_prefix("**") {
            Some(after) => ("(?s:.*)", after),
            None => ("[^/]+", rest.strip_prefix('*').unwrap_or(rest)),
        };
        if after.contains('*') {
            return Err("has two operators in a segment");
        }
        if self.rest {
            return Err("has an operator after `**`");
        }
        self.rest = rest.starts_with("**");
        self.partial |= !before.is_empty() || !after.is_empty();
        self.literal(before)?;
        self.regex.push_str(operator);
        self.template.push('*');
        self.literal(after)
    }

    fn slash(&mut self) {
        self.regex.push('/');
        self.template.push('/');
    }

    fn literal(&mut self, text: &str) -> Result<(), &'static str> {
        for c in text.chars() {
            match c {
                '.' | '$' | '(' | ')' | '+' => self.regex.push('\\'),
                _ if c.is_ascii_alphanumeric() || "-_~%!&',;:@=".contains(c) => {}
                _ => return Err("has a character that a path cannot contain"),
            }
            self.regex.push(c);
            self.template.push(c);
        }
        Ok(())
    }
}
