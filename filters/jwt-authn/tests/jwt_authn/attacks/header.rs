//! Headers of tokens, which try to select the algorithm or the key.

use super::setup::Forge;
use super::{Attack, bearer, refused};
use serde_json::{Value, json};
use tollgate_jwt_authn_policy::Reason::{
    AlgorithmNotAllowed, BadFormat, BadKeyId, CriticalExtension, HeaderNotJson, NoAlgorithm,
    SignatureInvalid, TypeNotAllowed, UnknownAlgorithm, UnknownKey,
};
use tollgate_mint::{Signer, unsigned};

pub fn attacks(forge: &Forge) -> Vec<Attack> {
    let parts = [algorithm(forge), confusion(forge), keys(forge), key_ids(forge), extensions(forge)];
    parts.into_iter().flatten().collect()
}

/// The issuer's header with some members replaced.
fn header(forge: &Forge, change: Value) -> Value {
    let mut header = forge.rsa.header();
    for (name, value) in change.as_object().unwrap() {
        header[name] = value.clone();
    }
    header
}

fn algorithm(forge: &Forge) -> Vec<Attack> {
    let claims = forge.claims();
    let unsigned = |alg: &str| bearer("/", unsigned(&header(forge, json!({ "alg": alg })), &claims, b""));
    let signed = |change| bearer("/", forge.rsa.sign(&header(forge, change), &claims));
    let no_algorithm = forge.rsa.sign(&json!({ "typ": "JWT" }), &claims);
    vec![
        refused("alg none", UnknownAlgorithm, unsigned("none")),
        refused("alg None", UnknownAlgorithm, unsigned("None")),
        refused("alg nOnE", UnknownAlgorithm, unsigned("nOnE")),
        refused("alg NONE", UnknownAlgorithm, unsigned("NONE")),
        refused("alg none with a space", UnknownAlgorithm, unsigned("none ")),
        refused("alg none with a signature", UnknownAlgorithm, signed(json!({ "alg": "none" }))),
        refused(
            "alg none with kid of nobody",
            UnknownAlgorithm,
            signed(json!({ "alg": "none", "kid": "x" })),
        ),
        refused("alg that is empty", UnknownAlgorithm, signed(json!({ "alg": "" }))),
        refused("alg in lower case", UnknownAlgorithm, signed(json!({ "alg": "rs256" }))),
        refused("alg with NUL at the end", UnknownAlgorithm, signed(json!({ "alg": "RS256\0" }))),
        refused("alg that is not offered", UnknownAlgorithm, signed(json!({ "alg": "ES256K" }))),
        refused("alg of encryption", UnknownAlgorithm, signed(json!({ "alg": "RSA-OAEP" }))),
        refused("alg that is a number", NoAlgorithm, signed(json!({ "alg": 256 }))),
        refused("alg that is null", NoAlgorithm, signed(json!({ "alg": null }))),
        refused("alg that is a list", NoAlgorithm, signed(json!({ "alg": ["RS256"] }))),
        refused("no alg", NoAlgorithm, bearer("/", no_algorithm)),
        refused("ALG in place of alg", NoAlgorithm, bearer("/", forge.header(r#"{"ALG":"RS256"}"#))),
    ]
}

/// A key with an algorithm that it does not permit.
fn confusion(forge: &Forge) -> Vec<Attack> {
    let pem = forge.rsa.public_pem();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let jwk = forge.rsa.public_jwk();
    let modulus = jwk["n"].as_str().unwrap().to_owned();
    let with_secret = |path: &str, issuer: &str, secret: &[u8], kid: Option<&str>| {
        let signer = Signer::with_secret("HS256", secret);
        let signer = kid.map_or(signer.clone().without_kid(), |kid| signer.with_kid(kid));
        bearer(path, signer.token(&forge.with(json!({ "iss": issuer }))))
    };
    let usual = |secret: &[u8]| with_secret("/", super::setup::ISSUER, secret, forge.rsa.kid());
    let bare = |secret: &[u8]| with_secret("/bare/", "https://bare.test", secret, None);
    let of_bare = forge.with(json!({ "iss": "https://bare.test" }));
    let swapped = |alg: &str| {
        let rs256 = forge.rsa.clone().without_kid();
        bearer("/bare/", rs256.sign(&json!({ "alg": alg }), &of_bare))
    };
    let pss = Signer::ps256().without_kid();
    let salted = |salt: usize| {
        let input = tollgate_mint::signing_input(br#"{"alg":"PS256"}"#, of_bare.to_string().as_bytes());
        let signature = pss.sign_input_pss(salt, input.as_bytes());
        bearer("/bare/", format!("{input}.{}", tollgate_mint::base64url(signature)))
    };
    let ps_header = header(forge, json!({ "alg": "PS256" }));
    let es_of_rsa = forge.p256.sign(&header(forge, json!({ "alg": "ES256" })), &forge.claims());
    vec![
        refused("HMAC with the public key in PEM", UnknownKey, usual(pem.as_bytes())),
        refused("HMAC with that PEM without its last line end", UnknownKey, usual(pem.trim_end().as_bytes())),
        refused("HMAC with the public key in DER", UnknownKey, usual(&base64(&der))),
        refused("HMAC with the modulus in base64url", UnknownKey, usual(modulus.as_bytes())),
        refused("HMAC with the modulus", UnknownKey, usual(&base64url(&modulus))),
        refused("HMAC with the JWK", UnknownKey, usual(jwk.to_string().as_bytes())),
        refused("HMAC with nothing", UnknownKey, usual(b"")),
        refused("HMAC with a public key that has no alg", UnknownKey, bare(pem.as_bytes())),
        refused("HMAC with that key's modulus", UnknownKey, bare(&base64url(&modulus))),
        refused(
            "PS256 by a key for RS256",
            UnknownKey,
            bearer("/", Signer::ps256().sign(&ps_header, &forge.claims())),
        ),
        refused("an RS256 signature as PS256", SignatureInvalid, swapped("PS256")),
        refused("an RS256 signature as RS384", SignatureInvalid, swapped("RS384")),
        refused("an RS256 signature as RS512", SignatureInvalid, swapped("RS512")),
        refused("PSS without salt", SignatureInvalid, salted(0)),
        refused("PSS with a salt of 20 bytes", SignatureInvalid, salted(20)),
        refused("ES256 by the kid of an RSA key", UnknownKey, bearer("/", es_of_rsa)),
        refused(
            "ES256 by a key of P-384",
            UnknownKey,
            bearer("/", forge.p384.sign(&json!({ "alg": "ES256", "kid": "p384-0" }), &forge.claims())),
        ),
        refused(
            "EdDSA by the kid of a key of P-256",
            UnknownKey,
            bearer("/", forge.ed25519.sign(&json!({ "alg": "EdDSA", "kid": "p256-0" }), &forge.claims())),
        ),
        refused(
            "an algorithm that the provider does not allow",
            AlgorithmNotAllowed,
            bearer("/elliptic/", forge.good()),
        ),
    ]
}

/// Keys of the attacker, and keys that are too weak.
fn keys(forge: &Forge) -> Vec<Attack> {
    let own = &forge.own_rsa;
    let brings = |member: &str, value: Value| {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        header[member] = value;
        bearer("/", own.sign(&header, &forge.claims()))
    };
    let jwk = own.clone().without_kid().public_jwk();
    let certificate = Signer::new("RS256", 1);
    let chain = certificate
        .sign(&json!({ "alg": "RS256", "x5c": [certificate.x5c()], "x5t#S256": "AAAA" }), &forge.claims());
    let named = header(forge, json!({ "kid": forge.rsa.kid(), "jwk": own.public_jwk() }));
    vec![
        refused("a key in the header", SignatureInvalid, brings("jwk", jwk)),
        refused(
            "a key in the header by the issuer's kid",
            SignatureInvalid,
            bearer("/", own.sign(&named, &forge.claims())),
        ),
        refused("jku", SignatureInvalid, brings("jku", json!("https://attacker.test/jwks.json"))),
        refused(
            "jku with credentials of the issuer's host",
            SignatureInvalid,
            brings("jku", json!("https://issuer.test@attacker.test/")),
        ),
        refused("x5u", SignatureInvalid, brings("x5u", json!("https://attacker.test/key.pem"))),
        refused("x5c", SignatureInvalid, bearer("/", chain)),
        refused(
            "a key of somebody else",
            SignatureInvalid,
            bearer("/", own.clone().without_kid().token(&forge.claims())),
        ),
        refused(
            "a key of somebody else on the same curve",
            SignatureInvalid,
            bearer("/", forge.own_p256.clone().with_kid("p256-0").token(&forge.claims())),
        ),
    ]
}

fn key_ids(forge: &Forge) -> Vec<Attack> {
    let named =
        |kid: Value| bearer("/", forge.own_rsa.sign(&header(forge, json!({ "kid": kid })), &forge.claims()));
    let null = Signer::with_secret("HS256", b"");
    let path = "../../../../../../dev/null";
    vec![
        refused("kid that is a path", UnknownKey, bearer("/", null.with_kid(path).token(&forge.claims()))),
        refused("kid that is SQL", UnknownKey, named(json!("x' UNION SELECT 'secret' -- "))),
        refused("kid that is a command", UnknownKey, named(json!("| curl attacker.test"))),
        refused("kid of 10 KB", BadKeyId, named(json!("k".repeat(10_000)))),
        refused("kid that is a number", BadKeyId, named(json!(0))),
        refused("kid that is null", BadKeyId, named(json!(null))),
        refused("kid that is a list", BadKeyId, named(json!([forge.rsa.kid()]))),
        refused("kid with another letter's case", UnknownKey, named(json!("RSA2048-0"))),
        refused("kid with NUL at the end", UnknownKey, named(json!("rsa2048-0\0"))),
        refused("kid of another issuer's key", UnknownKey, bearer("/", forge.other.token(&forge.claims()))),
        refused(
            "kid twice",
            HeaderNotJson,
            bearer("/", forge.header(r#"{"alg":"RS256","kid":"rsa2048-0","kid":"x"}"#)),
        ),
    ]
}

fn extensions(forge: &Forge) -> Vec<Attack> {
    let signed = |change| bearer("/", forge.rsa.sign(&header(forge, change), &forge.claims()));
    let typed = |token: String| bearer("/typed/", token);
    let id_token = forge.good();
    let untyped = forge.rsa.sign(&json!({ "alg": "RS256" }), &forge.claims());
    // RFC 7797: the payload is not encoded.
    let raw = {
        let header = tollgate_mint::base64url(r#"{"alg":"RS256","b64":false,"crit":["b64"]}"#);
        let input = format!("{header}.{}", "not-encoded");
        format!("{input}.{}", tollgate_mint::base64url(forge.rsa.sign_input(input.as_bytes())))
    };
    let nested = format!("{}.{}.{}", tollgate_mint::base64url(r#"{"alg":"RS256"}"#), forge.good(), "AAAA");
    vec![
        refused("crit of an extension", CriticalExtension, signed(json!({ "crit": ["x"], "x": 1 }))),
        refused("crit of a claim", CriticalExtension, signed(json!({ "crit": ["exp"] }))),
        refused("crit that is empty", CriticalExtension, signed(json!({ "crit": [] }))),
        refused("crit that is no list", CriticalExtension, signed(json!({ "crit": "exp" }))),
        refused("b64 false in crit", CriticalExtension, bearer("/", raw)),
        refused("b64 false", CriticalExtension, signed(json!({ "b64": false }))),
        refused("zip", CriticalExtension, signed(json!({ "zip": "DEF" }))),
        refused("enc", CriticalExtension, signed(json!({ "enc": "A128GCM" }))),
        refused("typ that is a number", TypeNotAllowed, signed(json!({ "typ": 1 }))),
        refused("an id token where an access token is due", TypeNotAllowed, typed(id_token)),
        refused("no typ where an access token is due", TypeNotAllowed, typed(untyped)),
        refused("a token in a token", BadFormat, bearer("/", nested)),
    ]
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.decode(text).unwrap()
}

fn base64url(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}
