//! Finding the route of a request: Envoy, `source/common/router/config_impl.cc`.
//!
//! The connection manager looks it up before there are filters, and keeps it. What changes request headers makes it
//! forget, but nothing looks it up again before the router does; until then filters read what there was.

use crate::emulator::Emulator;
use crate::emulator::header_map::HeaderMap;
use crate::emulator::world::World;
use crate::{HeaderMatch, PathMatch, Route, RouteAction, Settings, StringMatch, VirtualHost};

/// A route that was looked up: places in the lists of the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Picked {
    host: Option<usize>,
    route: Option<usize>,
    /// The name of the cluster it leads to, where it leads to one.
    pub cluster: Option<String>,
}

impl Picked {
    pub fn host<'s>(&self, settings: &'s Settings) -> Option<&'s VirtualHost> {
        settings.virtual_hosts.get(self.host?)
    }

    pub fn route<'s>(&self, settings: &'s Settings) -> Option<&'s Route> {
        self.host(settings)?.routes.get(self.route?)
    }
}

impl Emulator {
    /// Looks up the route, unless it is known.
    pub(crate) fn refresh_route(&mut self, stream: u64) {
        let World { streams, settings, .. } = &mut *self.world;
        let Some(s) = streams.get_mut(&stream) else { return };
        if !std::mem::replace(&mut s.route_is_known, true) {
            s.route = pick(&settings.virtual_hosts, &s.request_headers);
        }
    }
}

fn pick(hosts: &[VirtualHost], headers: &HeaderMap) -> Picked {
    let mut picked = Picked { host: host(hosts, headers), ..Picked::default() };
    let Some(host) = picked.host else { return picked };
    // Without a scheme no route is looked for.
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

/// The host that is named most exactly: whole, then by the longest end, then by the longest beginning.
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
    // A star stands for at least one character.
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

/// A header that is not there is not matched, not even inverted, but by the absence that is asked for.
fn header_matches(header: &HeaderMatch, headers: &HeaderMap) -> bool {
    let value = headers.joined(header.name.as_bytes());
    let value = value.map(|v| String::from_utf8_lossy(&v).into_owned());
    match (&header.value, value) {
        (StringMatch::Present, value) => value.is_some() != header.invert,
        (_, None) => false,
        (wanted, Some(value)) => string_matches(wanted, &value) != header.invert,
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
