//! A request with the attributes of its connection, in the form in which a host provides them.

use super::request::{Object, Pair, RequestFields};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};
use tollgate_host_test::emulator::metadata;
use tollgate_policy::{ConfigError, Named, RequestFacts, UnixNanos};
use tollgate_rbac_policy::explain::{Explanation, Selection};
use tollgate_rbac_policy::{ClaimsSource, Environment, Policy, Sources, Unavailable};

/// A request, and the attributes of the host.
#[derive(Debug)]
pub struct Sample {
    pairs: Vec<Pair>,
    host: Host,
}

impl Sample {
    /// Creates the sample of a request for a policy. The path of an error is that of the field.
    pub fn new(fields: &RequestFields, sources: &Sources) -> Result<Self, ConfigError> {
        let mut host = Host::default();
        let pairs = fields.pairs()?;
        host.address("source", ("source_ip", &fields.source_ip), fields.source_port)?;
        host.address("destination", ("destination_ip", &fields.destination_ip), fields.destination_port)?;
        host.text("connection\0requested_server_name", fields.sni.as_ref());
        host.text("connection\0tls_version", fields.tls_version.as_ref());
        host.text("connection\0dns_san_peer_certificate", fields.dns_san.as_ref());
        host.text("connection\0subject_peer_certificate", fields.subject.as_ref());
        if let Some(principal) = &fields.principal {
            if !principal.contains("://") {
                let message = format!(
                    "`{}`, expected the URI of a certificate, such as `spiffe://cluster.local/ns/a/sa/b`",
                    principal.escape_debug()
                );
                return Err(ConfigError::new("principal", &message));
            }
            host.text("connection\0uri_san_peer_certificate", Some(principal));
        }
        if fields.principal.is_some() || fields.dns_san.is_some() || fields.subject.is_some() {
            host.properties.insert("connection\0mtls".into(), vec![1]);
        }
        for (name, value) in &fields.filter_state {
            host.text(&format!("filter_state\0{name}"), Some(value));
        }
        if let Some(peer) = &fields.peer_ip {
            let at = |error: ConfigError| error.in_member("peer_ip");
            let Some(name) = sources.peer_address.as_deref() else {
                let message = "needs `peer_address_filter_state` in the configuration: without it, \
                     `source.ip` is the address of the client";
                return Err(at(ConfigError::here(&message)));
            };
            let peer = ip(peer).map_err(at)?;
            host.state("peer_ip", name, peer.to_string())?;
        }
        let mut dynamic = namespaces(&fields.metadata);
        if let Some(Object(claims)) = &fields.claims {
            host.claims(claims, sources, &mut dynamic).map_err(|error| error.in_member("claims"))?;
        }
        host.metadata("metadata", &dynamic);
        host.metadata("xds\0route_metadata", &namespaces(&fields.route_metadata));
        Ok(Self { pairs, host })
    }

    /// Explains the decision of the policy about this request.
    pub fn explain<'p>(&self, policy: &'p Policy, selection: Selection) -> Explanation<'p> {
        let pairs: Vec<(&[u8], &[u8])> =
            self.pairs.iter().map(|(n, v)| (n.as_slice(), v.as_slice())).collect();
        policy.explain(&RequestFacts::from_pairs(&pairs), &self.host, selection)
    }

    /// Returns the value of a pseudo-header.
    pub fn pseudo(&self, name: &str) -> String {
        let found = self.pairs.iter().find(|(other, _)| other == name.as_bytes());
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }
}

/// Attributes by path, whose segments are separated by NUL.
#[derive(Debug, Default)]
struct Host {
    properties: BTreeMap<String, Vec<u8>>,
}

impl Environment for Host {
    fn property(&self, path: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(self.properties.get(path).cloned())
    }

    fn now(&self) -> Option<UnixNanos> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        u64::try_from(since.as_nanos()).ok().map(UnixNanos)
    }

    fn draw(&self) -> u64 {
        0
    }
}

impl Host {
    fn text(&mut self, path: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.properties.insert(path.into(), value.as_bytes().to_vec());
        }
    }

    /// Sets an address with its port, as Envoy writes it, and the port.
    fn address(
        &mut self,
        side: &str,
        (field, address): (&str, &Option<String>),
        port: Option<u16>,
    ) -> Result<(), ConfigError> {
        if let Some(text) = address {
            let address = ip(text).map_err(|error| error.in_member(field))?;
            let address = SocketAddr::new(address, port.unwrap_or_default());
            self.properties.insert(format!("{side}\0address"), address.to_string().into_bytes());
        }
        if let Some(port) = port {
            self.properties.insert(format!("{side}\0port"), i64::from(port).to_le_bytes().to_vec());
        }
        Ok(())
    }

    /// Sets a filter state in place of a filter that would set it.
    fn state(&mut self, field: &str, name: &str, value: String) -> Result<(), ConfigError> {
        match self.properties.insert(format!("filter_state\0{name}"), value.into_bytes()) {
            None => Ok(()),
            Some(_) => {
                let message = format!("`filter_state` already has `{name}`, which `{field}` sets");
                Err(ConfigError::here(&message))
            }
        }
    }

    /// Sets the claims where the configuration looks for them first.
    fn claims(
        &mut self,
        claims: &Map<String, Value>,
        sources: &Sources,
        metadata: &mut Map<String, Value>,
    ) -> Result<(), ConfigError> {
        let (namespace, key, claims) = match sources.claims.first() {
            None => return Err(ConfigError::here(&"the configuration has no sources of claims")),
            Some(ClaimsSource::FilterState(name)) => {
                return self.state("claims", name, Value::Object(claims.clone()).to_string());
            }
            Some(ClaimsSource::JwtAuthn(name)) => ("envoy.filters.http.jwt_authn", &**name, claims.clone()),
            Some(ClaimsSource::IstioAuthn) => {
                let lists = claims.iter().map(|(name, claim)| (name.clone(), texts(claim)));
                ("istio_authn", "request.auth.claims", lists.collect())
            }
        };
        let members = metadata.entry(namespace).or_insert_with(|| Value::Object(Map::new()));
        let before = members.as_object_mut().and_then(|members| members.insert(key.into(), claims.into()));
        if before.is_some() {
            let message = format!("`metadata.{namespace}` already has `{key}`, which `claims` sets");
            return Err(ConfigError::here(&message));
        }
        Ok(())
    }

    fn metadata(&mut self, path: &str, namespaces: &Map<String, Value>) {
        if !namespaces.is_empty() {
            self.properties.insert(path.into(), metadata(namespaces));
        }
    }
}

/// Returns a claim as Istio's filter writes it: as a list of texts. A nested claim stays an object.
fn texts(claim: &Value) -> Value {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match claim {
        Value::Array(list) => list.iter().map(|each| Value::String(text(each))).collect(),
        Value::Object(_) => claim.clone(),
        other => Value::Array(vec![text(other).into()]),
    }
}

fn namespaces(metadata: &Named<Object>) -> Map<String, Value> {
    metadata.iter().map(|(name, object)| (name.clone(), Value::Object(object.0.clone()))).collect()
}

fn ip(text: &str) -> Result<IpAddr, ConfigError> {
    let invalid = |_| ConfigError::here(&format_args!("`{}` is not an IP address", text.escape_debug()));
    text.parse().map_err(invalid)
}
