//! Conditions in CEL.

use super::object::{Extension, Field, Message, boolean};
use crate::{Condition, Expr};
use tollgate_policy::config::text;
use tollgate_policy::{ConfigError, Value};

fn parsed(value: &Value) -> Result<Expr, ConfigError> {
    Condition::from_expr(value).map(|condition| Expr::Condition(Box::new(condition)))
}

fn source(value: &Value) -> Result<Expr, ConfigError> {
    let condition = Condition::parse(text(value, "a condition in CEL")?)?;
    Ok(Expr::Condition(Box::new(condition)))
}

/// Reads `ParsedExpr` or `CheckedExpr`. Types and positions are not needed.
fn annotated(value: &Value) -> Result<Expr, ConfigError> {
    let names = &["expr", "source_info", "reference_map", "type_map", "expr_version"];
    Message::read(value, names)?.required("expr")?.read(parsed)
}

/// Reads the condition of a policy.
#[inline(never)]
pub(super) fn condition(policy: &Message<'_>) -> Result<Option<Expr>, ConfigError> {
    if let Some(options) = policy.get("cel_config") {
        options.read(options_of_cel)?;
    }
    match (policy.get("condition"), policy.get("checked_condition")) {
        (Some(_), Some(checked)) => Err(checked.error(&"not supported together with `condition`")),
        (Some(condition), None) => condition.read(parsed).map(Some),
        (None, Some(checked)) => checked.read(annotated).map(Some),
        (None, None) => Ok(None),
    }
}

/// Checks `CelExpressionConfig`. Its options enable functions whose cost Envoy does not limit. Here the cost
/// of a condition is limited, and the functions are always enabled.
fn options_of_cel(value: &Value) -> Result<(), ConfigError> {
    let names = &["enable_string_conversion", "enable_string_concat", "enable_string_functions"];
    let message = Message::read(value, names)?;
    names.iter().try_for_each(|name| message.get(name).map_or(Ok(()), |field| field.read(boolean).map(drop)))
}

/// Type of the input of [`matcher`].
pub(super) const INPUT: &str = "xds.type.matcher.v3.HttpAttributesCelMatchInput";

const MATCHER: &str = "xds.type.matcher.v3.CelMatcher";

/// Reads the extension `xds.type.matcher.v3.CelMatcher`.
pub(super) fn matcher(field: Field<'_>) -> Result<Expr, ConfigError> {
    field.read(|value| {
        let extension = Extension::read(value)?;
        if extension.kind != MATCHER {
            return Err(extension.unsupported(&[MATCHER]));
        }
        extension.message(&["@type", "expr_match", "description"], |message| {
            message.ignored_text("description")?;
            message.required("expr_match")?.read(expression)
        })
    })
}

/// Reads `CelExpression`.
fn expression(value: &Value) -> Result<Expr, ConfigError> {
    let names = &["parsed_expr", "checked_expr", "cel_expr_parsed", "cel_expr_checked", "cel_expr_string"];
    let (kind, field) = Message::read(value, names)?.one(&[])?;
    field.read(if kind == "cel_expr_string" { source } else { annotated })
}
