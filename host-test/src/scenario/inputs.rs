//! Inputs of a request beside its message: the connection, and what filters of Envoy have found out before.

use super::{Request, Tls};
use serde_json::{Map, Value};
use std::net::{IpAddr, Ipv4Addr};

impl Request {
    /// Sets the server name that the client requests (SNI), see [`Request::server_name`].
    ///
    /// # Panics
    /// If it is not a DNS name and not empty.
    #[track_caller]
    pub fn server_name(mut self, name: &str) -> Self {
        check_server_name(name).unwrap_or_else(|why| panic!("{why}"));
        self.server_name = Some(name.into());
        self
    }

    /// Sets the address that the client connects from.
    ///
    /// # Panics
    /// If it is not in `127.0.0.0/8`: a client can bind only to addresses of this machine.
    #[track_caller]
    pub fn peer(mut self, address: impl Into<Ipv4Addr>) -> Self {
        self.peer = address.into();
        check_peer(self.peer).unwrap_or_else(|why| panic!("{why}"));
        self
    }

    /// Adds dynamic metadata, as an earlier filter of Envoy such as `jwt_authn` leaves it. Fields are merged
    /// with those added to the namespace before.
    ///
    /// # Panics
    /// If `fields` is not an object, has no fields, or has one without a name, or if the namespace is empty.
    /// In Envoy, a namespace exists only with a field.
    #[track_caller]
    pub fn metadata(mut self, namespace: &str, fields: Value) -> Self {
        let Value::Object(fields) = fields else {
            panic!("metadata `{namespace}`: `{fields}` is not an object");
        };
        check_metadata(namespace, &fields).unwrap_or_else(|why| panic!("metadata `{namespace}`: {why}"));
        match self.metadata.entry(namespace).or_insert_with(|| Map::new().into()) {
            Value::Object(known) => known.extend(fields),
            other => *other = Value::Object(fields),
        }
        self
    }

    /// Adds filter state: an object of the type `envoy.string`, as `set_filter_state` or another filter of
    /// Envoy leaves it. State that Wasm filters set has another type, so that `filter_state.wasm.a` returns
    /// such an object, but the property `a` does not.
    ///
    /// # Panics
    /// If the key is empty, or if the text cannot be the value of a header, which transports it to Envoy: it
    /// is empty, begins or ends with white space, or contains a control character.
    #[track_caller]
    pub fn filter_state(mut self, key: &str, text: &str) -> Self {
        check_filter_state(key, text).unwrap_or_else(|why| panic!("filter state `{key}`: {why}"));
        self.filter_state.insert(key.into(), text.into());
        self
    }

    /// Panics if the request has inputs of TLS but TLS is off, or uses HTTP/2 but TLS is on.
    pub(crate) fn assert_fits(&self, tls: Tls) {
        assert!(!self.http2 || tls == Tls::Off, "`Request::http2` needs `settings.tls` to be `Tls::Off`");
        if let Some(field) = self.needs_tls().filter(|_| tls == Tls::Off) {
            panic!("`Request::{field}` needs TLS: set `settings.tls`");
        }
    }

    /// Returns the name of a field that is set and needs TLS.
    pub(super) fn needs_tls(&self) -> Option<&'static str> {
        let fields =
            [("certificate", self.certificate.is_some()), ("server_name", self.server_name.is_some())];
        fields.into_iter().find(|(_, is_set)| *is_set).map(|(field, _)| field)
    }
}

/// Checks a server name. TLS transports no addresses there.
pub(super) fn check_server_name(name: &str) -> Result<(), String> {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if name.is_empty() || (name.split('.').all(label) && name.parse::<IpAddr>().is_err()) {
        return Ok(());
    }
    Err(format!("invalid server name `{name}`, expected a DNS name"))
}

/// Checks an address that a client connects from.
pub(super) fn check_peer(address: Ipv4Addr) -> Result<(), String> {
    if address.is_loopback() {
        return Ok(());
    }
    Err(format!("invalid peer `{address}`, expected an address in 127.0.0.0/8"))
}

/// Checks a namespace of metadata.
pub(super) fn check_metadata(namespace: &str, fields: &Map<String, Value>) -> Result<(), String> {
    if namespace.is_empty() || fields.is_empty() || fields.contains_key("") {
        return Err("expected names that are not empty, and at least one field".into());
    }
    Ok(())
}

/// Checks a filter state.
pub(super) fn check_filter_state(key: &str, text: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("empty key".into());
    }
    if text.is_empty() || text.trim() != text || text.contains(|c: char| c.is_ascii_control()) {
        return Err(format!("invalid text {text:?}, expected the value of a header"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merges_the_fields_of_a_namespace() {
        let request = Request::get("/").metadata("a", json!({"b": 1, "c": 2})).metadata("a", json!({"b": 3}));
        assert_eq!(Value::Object(request.metadata), json!({"a": {"b": 3, "c": 2}}));
    }

    #[test]
    fn checks_what_envoy_would_reject_or_ignore() {
        let fields = |json: Value| json.as_object().unwrap().clone();
        assert_eq!(check_metadata("a", &fields(json!({"b": null}))), Ok(()));
        for (namespace, json) in [("", json!({"b": 1})), ("a", json!({})), ("a", json!({"": 1}))] {
            assert!(check_metadata(namespace, &fields(json)).is_err(), "{namespace}");
        }
        assert_eq!(check_filter_state("a", "b c\u{e4}"), Ok(()));
        for (key, text) in [("", "a"), ("a", ""), ("a", " b"), ("a", "b\n"), ("a", "b\0c")] {
            assert!(check_filter_state(key, text).is_err(), "{key} {text:?}");
        }
        for (name, valid) in
            [("", true), ("a", true), ("a.b-c.test", true), ("a.", false), ("10.0.0.1", false)]
        {
            assert_eq!(check_server_name(name).is_ok(), valid, "{name}");
        }
        assert!(check_peer([127, 1, 2, 3].into()).is_ok() && check_peer([10, 0, 0, 1].into()).is_err());
    }
}
