//! The identity of the proxy.

use serde_json::{Map, Value};

/// The identity of the proxy: Envoy's `Node`. Filters read it as `xds.node`.
#[derive(Clone, Debug)]
pub struct Node {
    /// The id, such as `sidecar~10.0.0.7~shop.default~default.svc.cluster.local` in Istio.
    pub id: String,
    /// The name of the cluster of proxies.
    pub cluster: String,
    /// The metadata, such as `NAMESPACE` and `WORKLOAD_NAME` in Istio.
    pub metadata: Map<String, Value>,
}

impl Default for Node {
    fn default() -> Self {
        Self { id: "tollgate".into(), cluster: "tollgate".into(), metadata: Map::new() }
    }
}
