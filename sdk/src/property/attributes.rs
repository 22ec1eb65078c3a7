//! The table of attributes. The list and the types are Envoy's
//! (`docs/root/intro/arch_overview/advanced/attributes.rst`). `docs/abi.md` has the behaviour that
//! `make conformance` observes.

use super::{Message, Nested, Property, Sha256, Value};
use crate::clock::UnixNanos;
use crate::error::Result;
use crate::pairs::Pairs;
use std::fmt::Debug;
use std::time::Duration;

macro_rules! properties {
    ($($(#[$meta:meta])* $name:ident: $type:ty = $path:literal;)*) => {
        $($(#[$meta])* pub const $name: Property<$type> = Property::new($path);)*

        /// Reads every attribute, and calls `visit` with the path and the result. This is for debugging: each
        /// attribute is a host call.
        pub fn for_each(mut visit: impl FnMut(&'static str, &dyn Debug)) {
            $(visit($path, &<$type as ReadWhole>::read_whole(&$name));)*
        }
    };
}

properties! {
    // Attributes of the request. Those that Envoy reads from the headers are available while the callback can
    // access the request headers, and in `on_log`; others in every callback of a stream.
    /// Path with its query. With the request headers.
    REQUEST_PATH: Vec<u8> = "request\0path";
    /// Path without its query. With the request headers.
    REQUEST_URL_PATH: Vec<u8> = "request\0url_path";
    /// Query without the `?`; empty if the path has no query. With the request headers.
    REQUEST_QUERY: Vec<u8> = "request\0query";
    /// Authority. With the request headers.
    REQUEST_HOST: Vec<u8> = "request\0host";
    /// Scheme: `http` or `https`. With the request headers.
    REQUEST_SCHEME: Vec<u8> = "request\0scheme";
    /// Method. With the request headers.
    REQUEST_METHOD: Vec<u8> = "request\0method";
    /// Header `referer`. With the request headers.
    REQUEST_REFERER: Vec<u8> = "request\0referer";
    /// Header `user-agent`. With the request headers.
    REQUEST_USERAGENT: Vec<u8> = "request\0useragent";
    /// Header `x-request-id`. With the request headers.
    REQUEST_ID: Vec<u8> = "request\0id";
    /// All headers, each name once, with the values joined by commas. Empty without access to the headers.
    /// The value of one is `REQUEST_HEADERS.get_in::<Vec<u8>>(&[name])`.
    REQUEST_HEADERS: Pairs = "request\0headers";
    /// Size of the headers in bytes; 0 without access to them. Since Envoy 1.37.
    REQUEST_HEADERS_BYTES: i64 = "request\0headers_bytes";
    /// Protocol: `HTTP/1.0`, `HTTP/1.1`, `HTTP/2` or `HTTP/3`.
    REQUEST_PROTOCOL: String = "request\0protocol";
    /// Time at which the first byte arrived.
    REQUEST_TIME: UnixNanos = "request\0time";
    /// Size of the body in bytes: `content-length`, or the number of bytes that have arrived.
    REQUEST_SIZE: i64 = "request\0size";
    /// Size of the body that has arrived and of the accessible headers, in bytes.
    REQUEST_TOTAL_SIZE: i64 = "request\0total_size";
    /// Time from the first byte of the request to the end of the stream. Only in `on_log`.
    REQUEST_DURATION: Duration = "request\0duration";

    // Attributes of the response. They are absent, empty or 0 until there is a response.
    /// Status code.
    RESPONSE_CODE: i64 = "response\0code";
    /// Response code details (`%RESPONSE_CODE_DETAILS%`).
    RESPONSE_CODE_DETAILS: Vec<u8> = "response\0code_details";
    /// Response flags of Envoy as a set of bits.
    RESPONSE_FLAGS: i64 = "response\0flags";
    /// gRPC status: of the trailers, of the headers, or derived from the status code.
    RESPONSE_GRPC_STATUS: i64 = "response\0grpc_status";
    /// All headers, each name once, with the values joined by commas. Empty without access to the headers.
    RESPONSE_HEADERS: Pairs = "response\0headers";
    /// Size of the headers in bytes; 0 without access to them. Since Envoy 1.37.
    RESPONSE_HEADERS_BYTES: i64 = "response\0headers_bytes";
    /// All trailers, each name once, with the values joined by commas. Empty without access to the trailers.
    RESPONSE_TRAILERS: Pairs = "response\0trailers";
    /// Size of the body that was sent, in bytes.
    RESPONSE_SIZE: i64 = "response\0size";
    /// Size of the body that was sent and of the accessible headers and trailers, in bytes.
    RESPONSE_TOTAL_SIZE: i64 = "response\0total_size";
    /// Time from the first byte that was sent upstream to the last byte that arrived from there. Only in
    /// `on_log`.
    RESPONSE_BACKEND_LATENCY: Duration = "response\0backend_latency";

    // Attributes of the connection of the client, available in every callback of a stream. Those of TLS are
    // absent without TLS.
    /// Address and port of the client. See also [`client_address`](super::client_address).
    SOURCE_ADDRESS: String = "source\0address";
    /// Port of the client.
    SOURCE_PORT: i64 = "source\0port";
    /// Address and port that the client connected to.
    DESTINATION_ADDRESS: String = "destination\0address";
    /// Port that the client connected to.
    DESTINATION_PORT: i64 = "destination\0port";
    /// Number of the connection, unique in the process.
    CONNECTION_ID: u64 = "connection\0id";
    /// Whether the client presented a certificate that was verified.
    CONNECTION_MTLS: bool = "connection\0mtls";
    /// Server name (SNI) that the client requested. Empty without TLS or a TLS inspector.
    CONNECTION_REQUESTED_SERVER_NAME: Vec<u8> = "connection\0requested_server_name";
    /// Version of TLS, such as `TLSv1.3`.
    CONNECTION_TLS_VERSION: String = "connection\0tls_version";
    /// Subject of the proxy's own certificate, in the format of RFC 2253.
    CONNECTION_SUBJECT_LOCAL_CERTIFICATE: Vec<u8> = "connection\0subject_local_certificate";
    /// Subject of the client's certificate, in the format of RFC 2253. Empty without a certificate.
    CONNECTION_SUBJECT_PEER_CERTIFICATE: Vec<u8> = "connection\0subject_peer_certificate";
    /// First DNS name of the proxy's own certificate.
    CONNECTION_DNS_SAN_LOCAL_CERTIFICATE: Vec<u8> = "connection\0dns_san_local_certificate";
    /// First DNS name of the client's certificate.
    CONNECTION_DNS_SAN_PEER_CERTIFICATE: Vec<u8> = "connection\0dns_san_peer_certificate";
    /// First URI of the proxy's own certificate.
    CONNECTION_URI_SAN_LOCAL_CERTIFICATE: Vec<u8> = "connection\0uri_san_local_certificate";
    /// First URI of the client's certificate: the SPIFFE id in a mesh.
    CONNECTION_URI_SAN_PEER_CERTIFICATE: Vec<u8> = "connection\0uri_san_peer_certificate";
    /// SHA-256 digest of the client's certificate in DER. Absent without a certificate.
    CONNECTION_SHA256_PEER_CERTIFICATE_DIGEST: Sha256 = "connection\0sha256_peer_certificate_digest";
    /// Certificate of the client in PEM, with URL encoding. Absent without a certificate.
    CONNECTION_PEER_CERTIFICATE: String = "connection\0peer_certificate";
    /// Reason why TLS failed. Absent if nothing failed.
    CONNECTION_TRANSPORT_FAILURE_REASON: Vec<u8> = "connection\0transport_failure_reason";
    /// Reason why Envoy closed the connection. Absent while it is open.
    CONNECTION_TERMINATION_DETAILS: Vec<u8> = "connection\0termination_details";

    // Attributes of the upstream, available once Envoy has selected a host: in response callbacks and
    // `on_log`.
    /// Address and port of the host.
    UPSTREAM_ADDRESS: String = "upstream\0address";
    /// Port of the host.
    UPSTREAM_PORT: i64 = "upstream\0port";
    /// Address and port of the proxy on this connection.
    UPSTREAM_LOCAL_ADDRESS: String = "upstream\0local_address";
    /// Locality of the host (`envoy.config.core.v3.Locality`).
    UPSTREAM_LOCALITY: Message = "upstream\0locality";
    /// Number of hosts of the cluster. Available when the route is known.
    UPSTREAM_NUM_ENDPOINTS: u64 = "upstream\0num_endpoints";
    /// Number of attempts to send the request upstream; 0 before the first.
    UPSTREAM_REQUEST_ATTEMPT_COUNT: u64 = "upstream\0request_attempt_count";
    /// Time that the request waited for a connection.
    UPSTREAM_CX_POOL_READY_DURATION: Duration = "upstream\0cx_pool_ready_duration";
    /// Reason why TLS failed. Empty if nothing failed.
    UPSTREAM_TRANSPORT_FAILURE_REASON: Vec<u8> = "upstream\0transport_failure_reason";
    /// Version of TLS, such as `TLSv1.3`.
    UPSTREAM_TLS_VERSION: String = "upstream\0tls_version";
    /// Subject of the proxy's own certificate, in the format of RFC 2253.
    UPSTREAM_SUBJECT_LOCAL_CERTIFICATE: Vec<u8> = "upstream\0subject_local_certificate";
    /// Subject of the host's certificate, in the format of RFC 2253. Empty without a certificate.
    UPSTREAM_SUBJECT_PEER_CERTIFICATE: Vec<u8> = "upstream\0subject_peer_certificate";
    /// First DNS name of the proxy's own certificate.
    UPSTREAM_DNS_SAN_LOCAL_CERTIFICATE: Vec<u8> = "upstream\0dns_san_local_certificate";
    /// First DNS name of the host's certificate.
    UPSTREAM_DNS_SAN_PEER_CERTIFICATE: Vec<u8> = "upstream\0dns_san_peer_certificate";
    /// First URI of the proxy's own certificate.
    UPSTREAM_URI_SAN_LOCAL_CERTIFICATE: Vec<u8> = "upstream\0uri_san_local_certificate";
    /// First URI of the host's certificate: the SPIFFE id in a mesh.
    UPSTREAM_URI_SAN_PEER_CERTIFICATE: Vec<u8> = "upstream\0uri_san_peer_certificate";
    /// SHA-256 digest of the host's certificate in DER. Absent without a certificate.
    UPSTREAM_SHA256_PEER_CERTIFICATE_DIGEST: Sha256 = "upstream\0sha256_peer_certificate_digest";
    /// Certificate of the host in PEM, with URL encoding. Absent without a certificate.
    UPSTREAM_PEER_CERTIFICATE: String = "upstream\0peer_certificate";

    // Values that filters exchange, available in every callback of a stream.
    /// Dynamic metadata (`envoy.config.core.v3.Metadata`), which filters in Wasm can read but not write. A
    /// value of a filter is `METADATA.get_in::<Vec<u8>>(&["filter_metadata", filter, key])`.
    METADATA: Message = "metadata";
    /// Filter state by its full name, whichever filter set it. An object with fields has their names as a
    /// second segment.
    FILTER_STATE: Nested = "filter_state";
    /// Filter state of the upstream connection, once there is one.
    UPSTREAM_FILTER_STATE: Nested = "upstream_filter_state";

    // Attributes of the configuration. Those of the route and the cluster are available when the route is
    // known. Names are empty where the configuration has none.
    /// Node of the proxy (`envoy.config.core.v3.Node`). Available everywhere. Its id is
    /// `XDS_NODE.get_in::<String>(&["id"])`.
    XDS_NODE: Message = "xds\0node";
    /// Name of the cluster that the route selected.
    XDS_CLUSTER_NAME: String = "xds\0cluster_name";
    /// Metadata of this cluster.
    XDS_CLUSTER_METADATA: Message = "xds\0cluster_metadata";
    /// Name of the route.
    XDS_ROUTE_NAME: String = "xds\0route_name";
    /// Metadata of the route.
    XDS_ROUTE_METADATA: Message = "xds\0route_metadata";
    /// Name of the virtual host.
    XDS_VIRTUAL_HOST_NAME: String = "xds\0virtual_host_name";
    /// Metadata of the virtual host.
    XDS_VIRTUAL_HOST_METADATA: Message = "xds\0virtual_host_metadata";
    /// Metadata of the upstream host. If it has none, Envoy returns `SerializationFailure`.
    XDS_UPSTREAM_HOST_METADATA: Message = "xds\0upstream_host_metadata";
    /// Metadata of the locality of the upstream host. If it has none, Envoy returns `SerializationFailure`.
    XDS_UPSTREAM_HOST_LOCALITY_METADATA: Message = "xds\0upstream_host_locality_metadata";
    /// Name of the filter chain of the listener.
    XDS_FILTER_CHAIN_NAME: String = "xds\0filter_chain_name";
    /// Direction of the listener: 0 unspecified, 1 inbound, 2 outbound.
    XDS_LISTENER_DIRECTION: i64 = "xds\0listener_direction";
    /// Metadata of the listener.
    XDS_LISTENER_METADATA: Message = "xds\0listener_metadata";

    // Attributes of the plugin, available everywhere.
    /// Name of the plugin (`PluginConfig.name`).
    PLUGIN_NAME: String = "plugin_name";
    /// Root id of the plugin (`PluginConfig.root_id`).
    PLUGIN_ROOT_ID: String = "plugin_root_id";
    /// Id of the VM (`VmConfig.vm_id`).
    PLUGIN_VM_ID: String = "plugin_vm_id";
}

/// Reads an attribute for [`for_each`].
trait ReadWhole: Sized {
    type Whole: Debug;

    fn read_whole(property: &Property<Self>) -> Self::Whole;
}

impl<T: Value + Debug> ReadWhole for T {
    type Whole = Result<Option<T>>;

    fn read_whole(property: &Property<Self>) -> Self::Whole {
        property.get()
    }
}

/// The host cannot serialise the whole.
impl ReadWhole for Nested {
    type Whole = Nested;

    fn read_whole(_: &Property<Self>) -> Self::Whole {
        Nested
    }
}
