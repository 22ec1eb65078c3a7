//! `xds`, the plugin, metadata, and what older hosts had at the top.

use super::Told::Value;
use super::everywhere;
use crate::Case;

pub fn cases() -> Vec<Case> {
    [
        ("plugin_name", "is `PluginConfig.name`, everywhere"),
        ("plugin_root_id", "is `PluginConfig.root_id`, everywhere"),
        ("plugin_vm_id", "is `VmConfig.vm_id`, everywhere"),
        ("plugin_name.x", "is the name still"),
        ("xds", "is there and has no bytes: SerializationFailure, everywhere"),
        ("xds.node", "is a message, everywhere"),
        ("xds.node.id", "is a text, everywhere"),
        ("xds.node.cluster", "is a text, everywhere"),
        ("xds.node.metadata", "is what the node has of it"),
        ("xds.node.metadata.x", "is not found"),
        ("xds.node.locality", "is what the node has of it"),
        ("xds.node.locality.region", "is what the node has of it"),
        ("xds.node.nosuch", "is not found"),
        ("xds.node.user_agent_name", "is what the node has of it"),
        ("xds.cluster_name", "is the route's cluster"),
        ("xds.cluster_metadata", "is a message of the route's cluster"),
        ("xds.cluster_metadata.filter_metadata", "is a map"),
        ("xds.route_name", "is the route's name, which is empty"),
        ("xds.route_metadata", "is a message of the route"),
        ("xds.route_metadata.filter_metadata", "is a map"),
        ("xds.route_metadata.filter_metadata.nosuch", "is not found"),
        ("xds.virtual_host_name", "is the virtual host's name"),
        ("xds.virtual_host_metadata", "is a message of the virtual host"),
        (
            "xds.upstream_host_metadata",
            "is there once the upstream is chosen, and has no bytes without metadata",
        ),
        ("xds.upstream_host_locality_metadata", "is what the locality has of it"),
        ("xds.filter_chain_name", "is the filter chain's name, which is empty"),
        ("xds.listener_metadata", "is a message of the listener"),
        ("xds.listener_direction", "is a number"),
        ("xds.nosuch", "is not found"),
        ("metadata", "is the dynamic metadata, a message"),
        ("metadata.filter_metadata", "is a map"),
        ("metadata.filter_metadata.nosuch", "is not found"),
        ("metadata.filter_metadata.nosuch.key", "is not found"),
        ("metadata.typed_filter_metadata", "is a map"),
        ("metadata.nosuch", "is not found"),
        ("filter_state", "is there and has no bytes: SerializationFailure"),
        ("filter_state.nosuch", "is not found"),
        ("upstream_filter_state", "is what the upstream's side has of it"),
        ("upstream_filter_state.nosuch", "is not found"),
        ("node", "is not found: the legacy names are gone"),
        ("node.id", "is not found: the legacy names are gone"),
        ("cluster_name", "is not found: the legacy names are gone"),
        ("cluster_metadata", "is not found: the legacy names are gone"),
        ("route_name", "is not found: the legacy names are gone"),
        ("route_metadata", "is not found: the legacy names are gone"),
        ("listener_direction", "is not found: the legacy names are gone"),
        ("listener_metadata", "is not found: the legacy names are gone"),
        ("upstream_host_metadata", "is not found: the legacy names are gone"),
    ]
    .into_iter()
    .map(|(path, says)| {
        let case = everywhere("xds", path, Value, says);
        let whole = path == "xds.node";
        if whole { case.differs("the message says which build of Envoy it is", &[]) } else { case }
    })
    .collect()
}
