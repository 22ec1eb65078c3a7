//! Permissions.

use super::header;
use super::metadata;
use super::object::{Message, Read, always, integer, integer_range, list};
use super::template::uri_template;
use super::text::{Pattern, in_network, url_path};
use crate::{Attribute, Expr, Predicate};
use tollgate_policy::{ConfigError, Value};

/// Reads Envoy's `Permission`.
#[inline(never)]
pub(super) fn permission(value: &Value) -> Result<Expr, ConfigError> {
    let names = &[
        "any",
        "and_rules",
        "or_rules",
        "not_rule",
        "header",
        "url_path",
        "uri_template",
        "destination_ip",
        "destination_port",
        "destination_port_range",
        "requested_server_name",
        "metadata",
        "sourced_metadata",
    ];
    let instead = &[(
        "matcher",
        "extensions are not supported: the upstream is not known yet, use `destination_ip` or \
         `destination_port` for the address at which the request arrived",
    )];
    let (kind, field) = Message::read_instead(value, names, instead)?.one(&[])?;
    let read: Read<Expr> = match kind {
        "any" => |value| always(value).map(|()| Expr::TRUE),
        "and_rules" => |value| set(value).map(Expr::All),
        "or_rules" => |value| set(value).map(Expr::Any),
        "not_rule" => |value| permission(value).map(Expr::not),
        "header" => header::matcher,
        "url_path" => url_path,
        "uri_template" => uri_template,
        "destination_ip" => |value| in_network(value, Attribute::DestinationAddress),
        "destination_port" => |value| {
            let port = integer(value, 0, 65535)?;
            Ok(port_in(port, port))
        },
        "destination_port_range" => |value| {
            // The end is exclusive, so that 65536 is the end of a range that includes the last port.
            integer_range(value, 0, 65536).map(|(from, to)| port_in(from, to))
        },
        "requested_server_name" => |value| Pattern::read(value)?.test_or_empty(Attribute::ServerName),
        "metadata" => metadata::dynamic,
        _ => metadata::sourced,
    };
    field.read(read)
}

fn set(value: &Value) -> Result<Vec<Expr>, ConfigError> {
    let rules = Message::read(value, &["rules"])?.required("rules")?;
    rules.read(|value| list(value, 1, permission))
}

fn port_in(from: i64, to: i64) -> Expr {
    Expr::test(Attribute::DestinationPort, Predicate::Number { from, to })
}
