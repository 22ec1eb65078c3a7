//! `xds`, the plugin, metadata, and the top-level names of older hosts.

use super::Logged::Value;
use super::everywhere;
use crate::Case;

pub fn cases() -> Vec<Case> {
    [
        ("plugin_name", "is `PluginConfig.name`, everywhere"),
        ("plugin_root_id", "is `PluginConfig.root_id`, everywhere"),
        ("plugin_vm_id", "is `VmConfig.vm_id`, everywhere"),
        ("plugin_name.x", "is the name itself"),
        ("xds", "exists but returns SerializationFailure"),
        ("xds.node", "is a message, everywhere"),
        ("xds.node.id", "is a string, everywhere"),
        ("xds.node.cluster", "is a string, everywhere"),
        ("xds.node.metadata", "is the value from the node"),
        ("xds.node.metadata.x", "is not found"),
        ("xds.node.locality", "is the value from the node"),
        ("xds.node.locality.region", "is the value from the node"),
        ("xds.node.nosuch", "is not found"),
        ("xds.node.user_agent_name", "is the value from the node"),
        ("xds.cluster_name", "is the cluster of the route"),
        ("xds.cluster_metadata", "is the metadata message of the route's cluster"),
        ("xds.cluster_metadata.filter_metadata", "is a map"),
        ("xds.route_name", "is the name of the route, which is empty"),
        ("xds.route_metadata", "is the metadata message of the route"),
        ("xds.route_metadata.filter_metadata", "is a map"),
        ("xds.route_metadata.filter_metadata.nosuch", "is not found"),
        ("xds.virtual_host_name", "is the name of the virtual host"),
        ("xds.virtual_host_metadata", "is the metadata message of the virtual host"),
        (
            "xds.upstream_host_metadata",
            "exists once the upstream is selected, and cannot be serialized without metadata",
        ),
        ("xds.upstream_host_locality_metadata", "is the value from the locality"),
        ("xds.filter_chain_name", "is the name of the filter chain, which is empty"),
        ("xds.listener_metadata", "is the metadata message of the listener"),
        ("xds.listener_direction", "is a number"),
        ("xds.nosuch", "is not found"),
        ("metadata", "is the dynamic metadata, a message"),
        ("metadata.filter_metadata", "is a map"),
        ("metadata.filter_metadata.nosuch", "is not found"),
        ("metadata.filter_metadata.nosuch.key", "is not found"),
        ("metadata.typed_filter_metadata", "is a map"),
        ("metadata.nosuch", "is not found"),
        ("filter_state", "exists but returns SerializationFailure"),
        ("filter_state.nosuch", "is not found"),
        ("upstream_filter_state", "is the filter state of the upstream connection"),
        ("upstream_filter_state.nosuch", "is not found"),
        ("node", "is not found: Envoy has removed the legacy names"),
        ("node.id", "is not found: Envoy has removed the legacy names"),
        ("cluster_name", "is not found: Envoy has removed the legacy names"),
        ("cluster_metadata", "is not found: Envoy has removed the legacy names"),
        ("route_name", "is not found: Envoy has removed the legacy names"),
        ("route_metadata", "is not found: Envoy has removed the legacy names"),
        ("listener_direction", "is not found: Envoy has removed the legacy names"),
        ("listener_metadata", "is not found: Envoy has removed the legacy names"),
        ("upstream_host_metadata", "is not found: Envoy has removed the legacy names"),
    ]
    .into_iter()
    .map(|(path, title)| {
        let case = everywhere("xds", path, Value, title);
        let whole = path == "xds.node";
        if whole { case.differs("the message names the build of Envoy", &[]) } else { case }
    })
    .collect()
}
