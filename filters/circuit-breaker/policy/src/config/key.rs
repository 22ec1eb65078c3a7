//! Parts of the key of a breaker.

use tollgate_policy::Config;

/// A part of a key. An object with exactly one field. A request without the value has a state of its own.
#[derive(Clone, Debug, Config)]
#[config(expected = "an object with one part, such as `{cluster: {}}` or `{header: {name: x-tenant}}`")]
pub enum KeyPart {
    /// Cluster that the request is routed to.
    Cluster(Empty),
    /// Name of the route.
    Route(Empty),
    /// Host, in lower case and without the port.
    Host(Empty),
    /// Method.
    Method(Empty),
    /// All values of a request header.
    Header(NamedPart),
    /// Principal of the token that `jwt-authn` verified: `<iss>/<sub>`.
    Principal(Empty),
    /// Filter state of an earlier filter.
    FilterState(NamedPart),
}

/// An empty object: `{}`.
#[derive(Clone, Copy, Debug, Default, Config)]
pub struct Empty {}

/// A part that is selected by name.
#[derive(Clone, Debug, Default, Config)]
pub struct NamedPart {
    /// Name of the header or of the filter state, such as `wasm.jwt_authn.principal`.
    pub name: String,
}
