//! Route lookup: Envoy, `source/common/router/config_impl.cc`.
//!
//! The connection manager looks the route up before the filters run, and caches it. A change of request
//! headers clears the cache, but only the router looks the route up again. Until then filters read the old
//! route.

use super::flags::{NO_CLUSTER, NO_ROUTE};
use crate::emulator::Emulator;
use crate::emulator::header_map::HeaderMap;
use crate::emulator::world::{LocalReply, World};
use crate::{HeaderMatch, PathMatch, Route, RouteAction, Settings, StringMatch, VirtualHost};

/// A selected route, as indices into the lists of the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SelectedRoute {
    host: Option<usize>,
    route: Option<usize>,
    /// The name of the cluster, if the route has one.
    pub cluster: Option<String>,
}

impl SelectedRoute {
    pub fn host<'s>(&self, settings: &'s Settings) -> Option<&'s VirtualHost> {
        settings.virtual_hosts.get(self.host?)
    }

    pub fn route<'s>(&self, settings: &'s Settings) -> Option<&'s Route> {
        self.host(settings)?.routes.get(self.route?)
    }
}

impl Emulator {
    /// Looks up the route, unless it is cached.
    pub(crate) fn refresh_route(&mut self, stream: u64) {
        let World { streams, settings, .. } = &mut *self.world;
        let Some(s) = streams.get_mut(&stream) else { return };
        if !std::mem::replace(&mut s.route_is_known, true) {
            s.route = pick(&settings.virtual_hosts, &s.request_headers);
        }
    }

    /// Returns the upstream of a stream. Sends a local reply if the route has no known cluster, redirects, or
    /// responds directly.
    pub(super) fn target(&mut self, stream: u64) -> Option<usize> {
        self.refresh_route(stream);
        let picked = &self.world.streams[&stream].route;
        let action = picked.route(&self.world.settings).map(|route| &route.action);
        let (flag, reply) = match action {
            None => (
                NO_ROUTE,
                LocalReply { status: 404, details: "route_not_found".into(), ..LocalReply::default() },
            ),
            Some(RouteAction::DirectResponse { status, body }) => {
                let (status, body) = (u32::from(*status), body.clone().into_bytes());
                (0, LocalReply { status, details: "direct_response".into(), body, ..LocalReply::default() })
            }
            Some(RouteAction::Redirect { host, path }) => {
                let details = "direct_response".into();
                let headers = vec![(b"location".to_vec(), self.location(stream, host, path))];
                (0, LocalReply { status: 301, details, headers, ..LocalReply::default() })
            }
            Some(RouteAction::Cluster(_) | RouteAction::ClusterHeader(_)) => {
                let name = picked.cluster.as_deref().unwrap_or_default();
                let found = self.world.upstreams.iter().position(|u| u.spec.name == name);
                if found.is_some() {
                    return found;
                }
                let details = "cluster_not_found".into();
                (NO_CLUSTER, LocalReply { status: 503, details, ..LocalReply::default() })
            }
        };
        self.world.stream_mut(stream).flags |= flag;
        self.local_reply(stream, reply);
        None
    }

    fn location(&self, stream: u64, host: &str, path: &str) -> Vec<u8> {
        let headers = &self.world.streams[&stream].request_headers;
        let text = |name| headers.text(name).unwrap_or_default();
        let host = if host.is_empty() { text(":authority") } else { host.into() };
        let target = text(":path");
        let path = match target.split_once('?') {
            _ if path.is_empty() => target,
            Some((_, query)) if !path.contains('?') => format!("{path}?{query}").into(),
            _ => path.into(),
        };
        format!("{}://{host}{path}", text("x-forwarded-proto")).into_bytes()
    }
}

fn pick(hosts: &[VirtualHost], headers: &HeaderMap) -> SelectedRoute {
    let mut picked = SelectedRoute { host: host(hosts, headers), ..SelectedRoute::default() };
    let Some(host) = picked.host else { return picked };
    // Without a scheme, which is read from this header, Envoy does not look for a route.
    if headers.first(b"x-forwarded-proto").is_none_or(<[u8]>::is_empty) {
        return picked;
    }
    picked.route = hosts[host].routes.iter().position(|route| matches(route, headers));
    let action = picked.route.map(|route| &hosts[host].routes[route].action);
    picked.cluster = match action {
        Some(RouteAction::Cluster(name)) => Some(name.clone()),
        Some(RouteAction::ClusterHeader(header)) => {
            Some(headers.text(header).unwrap_or_default().into_owned())
        }
        _ => None,
    };
    picked
}

/// Returns the best matching virtual host: an exact name, then the longest suffix, then the longest prefix,
/// then `*`.
fn host(hosts: &[VirtualHost], headers: &HeaderMap) -> Option<usize> {
    let any = hosts.iter().position(|h| h.domains.iter().any(|d| d == "*"));
    if hosts.len() == 1 && any.is_some() && hosts[0].domains.len() == 1 {
        return any;
    }
    let authority = headers.text(":authority")?.to_ascii_lowercase();
    let domains = || {
        let each = |(at, host): (usize, &VirtualHost)| -> Vec<(usize, String)> {
            host.domains.iter().map(|d| (at, d.to_ascii_lowercase())).collect()
        };
        hosts.iter().enumerate().flat_map(each)
    };
    // A `*` matches at least one character.
    let longest = |fits: &dyn Fn(&str) -> bool| {
        let fitting = domains().filter(|(_, d)| d.len() > 1 && d.len() <= authority.len() && fits(d));
        fitting.max_by_key(|(_, d)| d.len()).map(|(at, _)| at)
    };
    let exact = domains().find(|(_, d)| *d == authority).map(|(at, _)| at);
    exact
        .or_else(|| longest(&|d| d.strip_prefix('*').is_some_and(|end| authority.ends_with(end))))
        .or_else(|| longest(&|d| d.strip_suffix('*').is_some_and(|start| authority.starts_with(start))))
        .or(any)
}

fn matches(route: &Route, headers: &HeaderMap) -> bool {
    let Some(target) = headers.text(":path") else { return false };
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path_matches = match &route.path {
        PathMatch::Prefix(prefix) => path.starts_with(prefix),
        PathMatch::Exact(exact) => path == exact,
        PathMatch::Segments(prefix) => {
            path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    };
    path_matches
        && route.headers.iter().all(|header| header_matches(header, headers))
        && route.query.iter().all(|(name, value)| {
            let query = target.split_once('?').map_or("", |(_, query)| query);
            let query = query.split('#').next().unwrap_or_default();
            let found = query.split('&').find_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (key == name).then_some(value)
            });
            found.is_some_and(|found| string_matches(value, found))
        })
}

/// Returns whether a header matches. One matching value is enough; with `invert`, no value may match. A
/// missing header matches only `Present` with `invert`.
fn header_matches(header: &HeaderMatch, headers: &HeaderMap) -> bool {
    let name = header.name.to_ascii_lowercase();
    let values = headers.pairs().iter().filter(|(key, _)| *key == name.as_bytes());
    let values: Vec<_> = values.map(|(_, value)| String::from_utf8_lossy(value)).collect();
    match &header.value {
        StringMatch::Present => values.is_empty() == header.invert,
        _ if values.is_empty() => false,
        wanted => values.iter().any(|value| string_matches(wanted, value)) != header.invert,
    }
}

fn string_matches(wanted: &StringMatch, value: &str) -> bool {
    match wanted {
        StringMatch::Present => true,
        StringMatch::Exact(text) => value == text,
        StringMatch::Prefix(text) => value.starts_with(text.as_str()),
        StringMatch::Suffix(text) => value.ends_with(text.as_str()),
        StringMatch::Contains(text) => value.contains(text.as_str()),
    }
}
