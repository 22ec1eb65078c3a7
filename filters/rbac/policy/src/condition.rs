//! Conditions in CEL.

use crate::Truth;
use core::fmt;
use tollgate_cel::{Attributes, Place, Program};
use tollgate_policy::{ConfigError, Value};

/// A compiled condition.
#[derive(Clone, Debug)]
pub struct Condition(Program);

impl Condition {
    /// Budget of an evaluation, in units of [`tollgate_cel`]: about 1 ms. Enough for several regular
    /// expressions on a path of 200 bytes, or for a loop over 5,000 elements.
    pub const BUDGET: u32 = 50_000;

    /// Compiles a condition in CEL. An error contains its line and column.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Program::parse(text, &is_known).map(Self).map_err(|error| ConfigError::here(&error))
    }

    /// Reads a parsed condition: `google.api.expr.v1alpha1.Expr` in its JSON form.
    pub fn from_expr(expr: &Value) -> Result<Self, ConfigError> {
        Program::from_expr(expr, &is_known).map(Self).map_err(|error| match error.place() {
            Place::Field(path) => ConfigError::new(path, &error.message()),
            Place::Text(_) => ConfigError::here(&error),
        })
    }

    /// Evaluates the condition. A condition that fails, or that exceeds [`Self::BUDGET`], is unknown.
    pub fn evaluate(&self, attributes: &dyn Attributes) -> Truth {
        self.0.evaluate(attributes, Self::BUDGET).map_or(Truth::Unknown, Truth::from)
    }

    /// Returns the text. A parsed condition has the text to which it was converted.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// Returns the compiled program, for explanations and for the attributes that it reads.
    pub fn program(&self) -> &Program {
        &self.0
    }
}

/// Writes the text. A parsed condition has the text to which it was converted.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Attributes that have one value each, or a list.
///
/// Envoy's names, and ours for facts that Envoy has no name for. Attributes of the response and of the
/// upstream host have no value when a request is authorized, so that they are unknown.
const PLAIN: [&str; 46] = [
    "connection.dns_san_local_certificate",
    "connection.dns_san_peer_certificate",
    "connection.id",
    "connection.mtls",
    "connection.requested_server_name",
    "connection.sha256_peer_certificate_digest",
    "connection.subject_local_certificate",
    "connection.subject_peer_certificate",
    "connection.tls_version",
    "connection.uri_san_local_certificate",
    "connection.uri_san_peer_certificate",
    "destination.address",
    "destination.port",
    "domain",
    "request.auth.audiences",
    "request.auth.presenter",
    "request.auth.principal",
    "request.host",
    "request.id",
    "request.method",
    "request.path",
    "request.protocol",
    "request.query",
    "request.referer",
    "request.scheme",
    "request.size",
    "request.time",
    "request.url_path",
    "request.useragent",
    "roles",
    "source.address",
    "source.namespace",
    "source.port",
    "source.principal",
    "source.service_account",
    "source.trust_domain",
    "xds.cluster_name",
    "xds.filter_chain_name",
    "xds.listener_direction",
    "xds.node.cluster",
    "xds.node.id",
    "xds.node.locality.region",
    "xds.node.locality.sub_zone",
    "xds.node.locality.zone",
    "xds.route_name",
    "xds.virtual_host_name",
];

/// Maps, and the number of names that may follow: the name of a header, but any path of claims.
const MAPS: [(&str, usize); 9] = [
    ("filter_state", 1),
    ("metadata.filter_metadata", usize::MAX),
    ("request.auth.claims", usize::MAX),
    ("request.headers", 1),
    ("xds.cluster_metadata.filter_metadata", usize::MAX),
    ("xds.listener_metadata.filter_metadata", usize::MAX),
    ("xds.node.metadata", usize::MAX),
    ("xds.route_metadata.filter_metadata", usize::MAX),
    ("xds.virtual_host_metadata.filter_metadata", usize::MAX),
];

/// Returns whether a path is an attribute.
fn is_known(path: &[&str]) -> bool {
    if PLAIN.iter().any(|name| name.split('.').eq(path.iter().copied())) {
        return true;
    }
    MAPS.iter().any(|(name, others)| {
        let mut rest = path.iter();
        let is_prefix = name.split('.').all(|part| rest.next() == Some(&part));
        // A pseudo-header is a raw value: `request.url_path` has its readings.
        let is_pseudo = *name == "request.headers" && path.last().is_some_and(|name| name.starts_with(':'));
        is_prefix && rest.len() <= *others && !is_pseudo
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tollgate_cel::{Unavailable, Value};

    /// `request.path` is `/a`, `request.id` fails, `roles` is a long list. No other attribute has a value.
    struct Facts;

    impl Attributes for Facts {
        fn get(&self, path: &[&str]) -> Result<Option<Value>, Unavailable> {
            match path {
                ["request", "path"] => Ok(Some("/a".into())),
                ["request", "headers", "x-raw"] => Ok(Some(Value::from_bytes(b"\xff"))),
                ["request", "id"] => Err(Unavailable),
                ["roles"] => Ok(Some(Value::from_list((0..1000).map(Value::Int).collect()))),
                _ => Ok(None),
            }
        }
    }

    #[test]
    fn a_condition_that_fails_is_unknown() {
        for (text, truth) in [
            ("request.path == '/a'", Truth::True),
            ("request.path == '/b'", Truth::False),
            ("request.headers['x'] == 'a'", Truth::Unknown),
            ("!(request.headers['x'] == 'a')", Truth::Unknown),
            ("request.id == 'a'", Truth::Unknown),
            ("request.headers['x-raw'].matches('^.$')", Truth::Unknown),
            ("roles.all(a, roles.all(b, a + b >= 0))", Truth::Unknown),
            ("roles.all(a, roles.all(b, a + b >= 0)) || true", Truth::Unknown),
            ("roles.all(a, a >= 0)", Truth::True),
            ("request.id == 'a' || true", Truth::True),
        ] {
            assert_eq!(Condition::parse(text).unwrap().evaluate(&Facts), truth, "{text}");
        }
    }

    #[test]
    fn the_attributes_of_envoy_and_ours_are_known() {
        for name in PLAIN.into_iter().chain(MAPS.map(|(name, _)| name)).chain([
            "request.headers.authorization",
            "request.headers['x-team']",
            "request.auth.claims.realm_access.roles",
            "request.auth.claims['https://x/y']",
            "metadata.filter_metadata['envoy.filters.http.jwt_authn']['payload']",
            "filter_state['wasm.a']",
        ]) {
            let condition = Condition::parse(&format!("{name} == dyn(1)"));
            assert_eq!(
                condition.map(|condition| condition.to_string()).ok(),
                Some(format!("{name} == dyn(1)"))
            );
        }
    }

    #[test]
    fn rejects_unknown_attributes() {
        for (name, unknown) in [
            ("request.pathh", "request.pathh"),
            ("request", "request"),
            ("request.headers['a']['b']", "request.headers.a.b"),
            ("metadata['a']", "metadata.a"),
            ("response.code", "response.code"),
            ("upstream.address", "upstream.address"),
            ("role", "role"),
        ] {
            let error = Condition::parse(&format!("{name} == 1")).unwrap_err().to_string();
            assert!(error.ends_with(&format!(": unknown attribute `{unknown}`")), "{error}");
        }
    }

    #[test]
    fn an_error_of_a_parsed_condition_has_its_path() {
        let expr = json!({ "callExpr": { "function": "!_", "args": [{ "identExpr": { "nam": "roles" } }] } });
        let error = Condition::from_expr(&expr).unwrap_err();
        assert_eq!(error.path(), "callExpr.args[0].identExpr.nam");
        let expr =
            json!({ "selectExpr": { "operand": { "identExpr": { "name": "request" } }, "field": "id" } });
        assert_eq!(Condition::from_expr(&expr).unwrap().to_string(), "request.id");
    }
}
