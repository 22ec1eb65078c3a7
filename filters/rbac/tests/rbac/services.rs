//! Two Envoys with mutual TLS, as the sidecars of two services in a mesh. The first presents the certificate
//! of the caller; the filter in the second decides by it. A scenario has one Envoy, so it cannot do this.

use crate::support::filter;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tollgate_host_test::envoy::bootstrap::{
    any, any_host, bootstrap, cluster, connection_manager, listener, route, wasm,
};
use tollgate_host_test::envoy::{Options, Process};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder, Result};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::EncodePem;
use x509_cert::der::asn1::Ia5String;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::ext::{Extension, Extensions, ToExtension};
use x509_cert::name::Name;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::Validity;

const DOWNSTREAM: &str = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
const UPSTREAM: &str = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

#[test]
fn tells_services_apart_by_their_mutual_tls_certificates() {
    let mesh = Authority::new("O=mesh", 1);
    let stranger = Authority::new("O=stranger", 2);
    let policy = |name: &str, source: Value, path: &str| {
        json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"rules": [{"from": [{"source": source}], "to": [{"operation": {"paths": [path]}}]}]},
        })
    };
    let policies = [
        policy("orders", json!({"principals": ["cluster.local/ns/shop/sa/orders"]}), "/stock"),
        policy("billing", json!({"namespaces": ["billing"]}), "/invoices"),
    ];
    let server = server(&mesh, json!({"istio": {"policies": policies}}));
    let callers = [
        ("orders", mesh.issue("spiffe://cluster.local/ns/shop/sa/orders")),
        ("payments", mesh.issue("spiffe://cluster.local/ns/billing/sa/payments")),
        ("other-domain", mesh.issue("spiffe://other.test/ns/shop/sa/orders")),
        ("impostor", stranger.issue("spiffe://cluster.local/ns/shop/sa/orders")),
    ];
    let client = client(&mesh, &callers, server.listener("server"));

    let statuses = |caller: &str| {
        ["/stock", "/invoices"].map(|path| status(client.listener(caller), path).unwrap_or_default())
    };
    assert_eq!(statuses("orders"), ["200", "403"]);
    assert_eq!(statuses("payments"), ["403", "200"]);
    assert_eq!(statuses("other-domain"), ["403", "403"]);
    // The second Envoy closes the connection before the filter sees a request.
    assert_eq!(statuses("impostor"), ["503", "503"]);
    let stats = server.stats_matching("rbac").unwrap();
    assert_eq!(stats["wasmcustom.rbac.allowed"], 2, "{stats:?}");
    assert_eq!(stats["wasmcustom.rbac.denied.no_policy"], 4, "{stats:?}");
}

/// The Envoy of the called service, which answers allowed requests with 200.
fn server(mesh: &Authority, config: Value) -> Process {
    let answer = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
    let manager = connection_manager(vec![wasm(&filter().config(config))], &[any_host(&[answer])]);
    let mut listener = listener("server", ([127, 0, 0, 1], 0).into(), manager);
    let certificate = mesh.issue("spiffe://cluster.local/ns/shop/sa/stock");
    let mut context = tls(mesh, &certificate);
    context["require_client_certificate"] = true.into();
    listener["filter_chains"][0]["transport_socket"] = transport_socket(any(DOWNSTREAM, context));
    Process::start(&bootstrap(&[listener], &[]), &Options::default()).unwrap()
}

/// The Envoy of the callers. It has a listener for each, which forwards requests with the caller's
/// certificate.
fn client(mesh: &Authority, callers: &[(&str, Identity)], server: SocketAddr) -> Process {
    let listeners = callers.iter().map(|(name, _)| {
        let manager = connection_manager(Vec::new(), &[any_host(&[route("/", name)])]);
        listener(name, ([127, 0, 0, 1], 0).into(), manager)
    });
    let clusters = callers.iter().map(|(name, identity)| {
        let mut cluster = cluster(name, server, false);
        cluster["transport_socket"] = transport_socket(any(UPSTREAM, tls(mesh, identity)));
        cluster
    });
    let (listeners, clusters): (Vec<_>, Vec<_>) = (listeners.collect(), clusters.collect());
    Process::start(&bootstrap(&listeners, &clusters), &Options::default()).unwrap()
}

fn transport_socket(context: Value) -> Value {
    json!({"name": "envoy.transport_sockets.tls", "typed_config": context})
}

fn tls(trusted: &Authority, identity: &Identity) -> Value {
    let pem = |text: &str| json!({"inline_string": text});
    json!({"common_tls_context": {
        "tls_certificates": [{
            "certificate_chain": pem(&identity.certificate),
            "private_key": pem(&identity.key),
        }],
        "validation_context": {"trusted_ca": pem(&trusted.certificate)},
    }})
}

/// Sends a GET request and returns the status of the response.
fn status(address: SocketAddr, path: &str) -> Option<String> {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: stock.shop\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).unwrap();
    response.split(' ').nth(1).map(str::to_owned)
}

/// A certificate and its key, as PEM.
struct Identity {
    certificate: String,
    key: String,
}

/// A certificate authority.
struct Authority {
    name: Name,
    key: SigningKey,
    certificate: String,
}

impl Authority {
    fn new(name: &str, seed: u8) -> Self {
        let (name, key): (Name, _) = (name.parse().unwrap(), key(seed));
        let profile = Profile { issuer: name.clone(), subject: name.clone(), uri: None };
        let certificate = sign(profile, &key, &key);
        Self { name, key, certificate }
    }

    /// Issues the certificate of a workload. As in Istio, it has no subject and one URI.
    fn issue(&self, uri: &str) -> Identity {
        let key = key(100);
        let profile =
            Profile { issuer: self.name.clone(), subject: Name::default(), uri: Some(uri.to_owned()) };
        let certificate = sign(profile, &key, &self.key);
        Identity { certificate, key: key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string() }
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn sign(profile: Profile, key: &SigningKey, issuer: &SigningKey) -> String {
    let public = SubjectPublicKeyInfo::from_key(key.verifying_key()).unwrap();
    let validity = Validity::from_now(Duration::from_secs(3600)).unwrap();
    let builder = CertificateBuilder::new(profile, 1u32.into(), validity, public).unwrap();
    let certificate = builder.build::<_, DerSignature>(issuer).unwrap();
    certificate.to_pem(LineEnding::LF).unwrap()
}

/// The contents of a certificate: of a workload with a URI, or of an authority.
struct Profile {
    issuer: Name,
    subject: Name,
    uri: Option<String>,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> Result<Vec<Extension>> {
        let known = Extensions::default();
        let extension = match &self.uri {
            Some(uri) => {
                let uri = GeneralName::UniformResourceIdentifier(Ia5String::new(uri)?);
                SubjectAltName(vec![uri]).to_extension(&self.subject, &known)?
            }
            None => BasicConstraints { ca: true, path_len_constraint: None }
                .to_extension(&self.subject, &known)?,
        };
        Ok(vec![extension])
    }
}
