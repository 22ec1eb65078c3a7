//! Evaluates the condition of a rule. Attributes that cost a host call are read last, and only if a rule has
//! a condition on them.

use crate::Environment;
use crate::config::Combine;
use crate::rule::{Condition, Rate, Rule};
use tollgate_counting::{Failure, client_address};
use tollgate_policy::{Many, RequestFacts, RequestMatch, StringMatcher};

/// The cluster of the route.
const CLUSTER: &str = "xds\0cluster_name";
const NODE: &[u8] = b"x-envoy-downstream-service-node";

impl Condition {
    /// Returns whether all requests match.
    pub fn matches_all(&self) -> bool {
        let Self { request, headers, clusters, nodes, principals, namespaces, networks } = self;
        let RequestMatch { hosts, paths, methods, headers: others, query } = request;
        let of_request = hosts.is_empty() && paths.is_empty() && methods.is_empty() && others.is_empty();
        let of_source = nodes.is_empty() && principals.is_empty() && namespaces.is_empty();
        of_request
            && query.is_empty()
            && headers.is_empty()
            && clusters.is_empty()
            && of_source
            && networks.is_empty()
    }

    /// Returns whether a request matches, if its path is read as `path`.
    pub fn matches(
        &self,
        request: &RequestFacts<'_>,
        path: &[u8],
        env: &mut dyn Environment,
    ) -> Result<bool, Failure> {
        let any = |matchers: &[StringMatcher], value: &[u8]| matchers.iter().any(|m| m.matches(value));
        let headers = request.headers;
        if !self.request.matches(request, path, Many::Any)
            || !self.headers.iter().all(|matcher| matcher.matches(headers))
            || !(self.nodes.is_empty() || headers.all(NODE).any(|node| any(&self.nodes, node)))
        {
            return Ok(false);
        }
        if !self.clusters.is_empty()
            && !env.host().property(CLUSTER)?.is_some_and(|name| any(&self.clusters, &name))
        {
            return Ok(false);
        }
        if !self.networks.is_empty() {
            let address = client_address(env.host())?;
            if !address.is_some_and(|address| self.networks.iter().any(|network| network.contains(address))) {
                return Ok(false);
            }
        }
        if self.principals.is_empty() && self.namespaces.is_empty() {
            return Ok(true);
        }
        let Some(principal) = env.principal()? else { return Ok(false) };
        let namespace = namespace(&principal);
        Ok((self.principals.is_empty() || any(&self.principals, &principal))
            && (self.namespaces.is_empty()
                || self.namespaces.iter().any(|name| namespace == Some(name.as_bytes()))))
    }
}

/// Returns the namespace of `spiffe://<trust domain>/ns/<namespace>/sa/<account>`.
fn namespace(principal: &[u8]) -> Option<&[u8]> {
    let mut segments = principal.strip_prefix(b"spiffe://")?.split(|byte| *byte == b'/');
    segments.next()?;
    (segments.next()? == b"ns").then(|| segments.next())?
}

impl Rule {
    /// Returns whether one draw decides about all faults.
    pub(crate) fn draws_once(&self) -> bool {
        self.draw.faults != Combine::Separate
    }

    /// Returns whether the rule reads the fault headers of a request.
    pub(crate) fn reads_headers(&self) -> bool {
        self.delay.as_ref().is_some_and(|delay| delay.length.is_none())
            || self.abort.as_ref().is_some_and(|abort| abort.status.is_none())
            || self.response.as_ref().is_some_and(|response| response.rate == Some(Rate::Header))
    }
}

#[cfg(test)]
mod tests {
    use super::namespace;

    #[test]
    fn a_spiffe_id_has_a_namespace() {
        for (principal, expected) in [
            ("spiffe://cluster.local/ns/shop/sa/cart", Some("shop")),
            ("spiffe://cluster.local/ns/shop", Some("shop")),
            ("spiffe://cluster.local/ns", None),
            ("spiffe://cluster.local/sa/cart", None),
            ("spiffe://ns/shop", None),
            ("https://cluster.local/ns/shop", None),
            ("", None),
        ] {
            assert_eq!(namespace(principal.as_bytes()), expected.map(str::as_bytes), "{principal}");
        }
    }
}
