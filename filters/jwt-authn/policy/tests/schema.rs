//! Checks that the committed JSON Schema is that of the types. `UPDATE_SCHEMA=1 cargo test -p
//! tollgate-jwt-authn-policy --test schema` regenerates it.

use tollgate_filter_testing::schema;
use tollgate_jwt_authn_policy::Config;

#[test]
fn the_committed_schema_is_current() {
    schema::is_current::<Config>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn every_field_is_described() {
    schema::describes_every_field(&schema::of::<Config>());
}

#[test]
fn omits_fields_that_are_only_rejected() {
    let schema = schema::of::<Config>().to_string();
    for name in ["payload_in_metadata", "filename", "safe_regex", "inline_bytes"] {
        assert!(!schema.contains(name), "{name}");
    }
}

macro_rules! are_read_as_described {
    ($($type:ident),*) => { vec![$(schema::is_read_as_described::<tollgate_jwt_authn_policy::config::$type>()),*] };
}

#[test]
fn reads_exactly_the_described_fields() {
    let mut tried = are_read_as_described!(
        AsyncFetch,
        AudiencesOfProvider,
        BackOff,
        CacheConfig,
        ClaimMatcher,
        ClaimToHeader,
        Config,
        Empty,
        ExtractOnly,
        FailureResponse,
        FilterState,
        FilterStateRules,
        FromHeader,
        HttpUri,
        IstioClaimToHeader,
        IstioHeader,
        JwtRule,
        LocalJwks,
        NormalizePayload,
        OidcDiscovery,
        Provider,
        Redirect,
        RemoteJwks,
        RemoteRevocation,
        Requirements,
        RetryPolicy,
        Revocation,
        RevokedSubject,
        RevokedToken,
        Rule
    );
    tried.push(schema::is_read_as_described::<tollgate_policy::RequestMatch>());
    schema::is_tried_whole(&schema::of::<Config>(), &tried);
}
