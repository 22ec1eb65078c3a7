//! JSON Web Keys: their algorithms, and errors of unusable keys.

use crate::support::{algorithms, jwk, pem, read, refused, with};
use serde_json::{Value, json};
use tollgate_jose::{KeySet, base64url};

/// The bytes of a member.
fn bytes(jwk: &Value, name: &str) -> Vec<u8> {
    base64url::decode(jwk[name].as_str().unwrap().as_bytes()).unwrap()
}

/// A JWK with a member of these bytes.
fn with_bytes(jwk: &Value, name: &str, bytes: &[u8]) -> Value {
    with(jwk.clone(), json!({name: base64url::encode(bytes)}))
}

#[test]
fn a_key_is_for_its_family() {
    let cases = [
        ("RSA", "RS256 RS384 RS512 PS256 PS384 PS512"),
        ("P-256", "ES256"),
        ("P-521", "ES512"),
        ("Ed25519", "EdDSA"),
        ("oct", "HS256 HS384 HS512"),
    ];
    for (kind, expected) in cases {
        assert_eq!(algorithms(&read(&jwk(kind)).unwrap()).join(" "), expected);
    }
}

#[test]
fn alg_narrows_and_never_widens() {
    let all = tollgate_jose::Algorithm::ALL;
    for kind in ["RSA", "P-256", "P-521", "Ed25519", "oct"] {
        let own = algorithms(&read(&jwk(kind)).unwrap());
        for algorithm in all {
            let narrowed = with(jwk(kind), json!({"alg": algorithm.name()}));
            if own.contains(&algorithm.name()) {
                assert_eq!(algorithms(&read(&narrowed).unwrap()), [algorithm.name()]);
            } else {
                assert_eq!(refused(&narrowed), "`alg` does not permit verifying signatures");
            }
        }
        for alg in ["RSA-OAEP", "ECDH-ES", "none", "A128KW", "rs256", ""] {
            let other = with(jwk(kind), json!({"alg": alg}));
            assert_eq!(refused(&other), "`alg` does not permit verifying signatures", "{alg}");
        }
        assert_eq!(refused(&with(jwk(kind), json!({"alg": ["RS256"]}))), "`alg` is missing or malformed");
    }
}

#[test]
fn use_and_key_ops_say_what_for() {
    let good = [
        json!({"use": "sig"}),
        json!({"key_ops": ["verify"]}),
        json!({"key_ops": ["verify", "encrypt"]}),
        json!({"use": "sig", "key_ops": ["sign", "verify"]}),
    ];
    for members in good {
        assert!(read(&with(jwk("RSA"), members.clone())).is_ok(), "{members}");
    }
    let bad = [
        (json!({"use": "enc"}), "`use` does not permit verifying signatures"),
        (json!({"use": "SIG"}), "`use` does not permit verifying signatures"),
        (json!({"use": ["sig"]}), "`use` is missing or malformed"),
        (json!({"key_ops": []}), "`key_ops` does not permit verifying signatures"),
        (json!({"key_ops": ["sign"]}), "`key_ops` does not permit verifying signatures"),
        (json!({"key_ops": ["Verify"]}), "`key_ops` does not permit verifying signatures"),
        (json!({"key_ops": "verify"}), "`key_ops` is missing or malformed"),
        (json!({"key_ops": ["verify", 1]}), "`key_ops` is missing or malformed"),
        (json!({"key_ops": ["verify", "verify"]}), "`key_ops` is missing or malformed"),
        (
            json!({"use": "sig", "key_ops": ["verify", "encrypt"]}),
            "`key_ops` does not permit verifying signatures",
        ),
        (json!({"use": "enc", "key_ops": ["verify"]}), "`use` does not permit verifying signatures"),
    ];
    for (members, why) in bad {
        assert_eq!(refused(&with(jwk("RSA"), members)), why);
    }
}

#[test]
fn what_is_not_offered_is_told() {
    let long = format!("`{}..` is not supported", "k".repeat(64));
    let cases = [
        (with(jwk("RSA"), json!({"kty": "rsa"})), "`rsa` is not supported"),
        // Logs contain these texts of an issuer.
        (with(jwk("RSA"), json!({"kty": "a\nb"})), r"`a\nb` is not supported"),
        (with(jwk("RSA"), json!({"kty": "k".repeat(65)})), &long),
        (with(jwk("P-256"), json!({"crv": "secp256k1"})), "`secp256k1` is not supported"),
        (with(jwk("Ed25519"), json!({"crv": "X25519"})), "`X25519` is not supported"),
        (with(jwk("Ed25519"), json!({"crv": "Ed448"})), "`Ed448` is not supported"),
        (json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}), "`AKP` is not supported"),
        (json!({"n": "AAAA"}), "`kty` is missing or malformed"),
        (json!({"kty": 1}), "`kty` is missing or malformed"),
        (json!(null), "`kty` is missing or malformed"),
        (json!("key"), "`kty` is missing or malformed"),
        (json!([]), "`kty` is missing or malformed"),
        (with(jwk("P-256"), json!({"crv": null})), "`crv` is missing or malformed"),
        (with(jwk("Ed25519"), json!({"crv": null})), "`crv` is missing or malformed"),
    ];
    for (jwk, why) in cases {
        assert_eq!(refused(&jwk), why, "{jwk}");
    }
}

#[test]
fn each_member_is_there_and_canonical() {
    let members = [
        ("RSA", "n"),
        ("RSA", "e"),
        ("P-256", "x"),
        ("P-521", "y"),
        ("Ed25519", "x"),
        ("oct", "k"),
        ("RSA", "kid"),
    ];
    for (kind, name) in members {
        let mut bad = vec![json!(1), json!(["AQAB"]), json!({})];
        if name != "kid" {
            let own = jwk(kind)[name].as_str().unwrap().to_owned();
            bad.extend([
                json!(null),
                json!(format!("{own}=====")),
                json!(format!(" {own}")),
                json!("+/+/"),
                json!("A"),
            ]);
        }
        for value in bad {
            let why = format!("`{name}` is missing or malformed");
            assert_eq!(refused(&with(jwk(kind), json!({name: value.clone()}))), why, "{kind} {value}");
        }
    }
    let long = "k".repeat(1025);
    assert_eq!(refused(&with(jwk("RSA"), json!({"kid": long}))), "`kid` is missing or malformed");
}

#[test]
fn padding_of_a_member_is_accepted() {
    for (kind, name) in
        [("RSA", "n"), ("P-256", "x"), ("P-256", "y"), ("P-521", "x"), ("Ed25519", "x"), ("oct", "k")]
    {
        let own = jwk(kind)[name].as_str().unwrap().to_owned();
        let padding = "=".repeat((4 - own.len() % 4) % 4);
        assert!(read(&with(jwk(kind), json!({name: own.clone() + &padding}))).is_ok(), "{kind} {name}");
        let wrong = ["=", "==", "==="].into_iter().filter(|other| *other != padding);
        for wrong in wrong {
            let why = format!("`{name}` is missing or malformed");
            assert_eq!(refused(&with(jwk(kind), json!({name: own.clone() + wrong}))), why, "{kind} {wrong}");
        }
    }
}

#[test]
fn a_member_that_is_null_is_absent() {
    let null = |jwk: &Value, name: &str| {
        let mut jwk = jwk.clone();
        jwk[name] = Value::Null;
        jwk
    };
    for name in ["kid", "alg", "use", "key_ops", "x5c", "x5t#S256", "d", "other"] {
        assert!(read(&null(&jwk("RSA"), name)).is_ok(), "{name}");
    }
    for (kind, name) in
        [("RSA", "kty"), ("RSA", "n"), ("P-256", "crv"), ("P-256", "x"), ("Ed25519", "x"), ("oct", "k")]
    {
        let why = format!("`{name}` is missing or malformed");
        assert_eq!(refused(&null(&jwk(kind), name)), why, "{kind}");
    }
}

#[test]
fn a_key_of_another_kind_may_have_other_members() {
    for (other, why) in [
        (json!({"kty": "AKP", "alg": 7, "use": ["sig"], "key_ops": "x"}), "`AKP` is not supported"),
        (json!({"kty": "OKP", "crv": "X448", "x": 1, "use": 1}), "`X448` is not supported"),
        (json!({"kty": "EC", "crv": "BP-256", "d": "AA"}), "`BP-256` is not supported"),
    ] {
        assert_eq!(refused(&other), why);
    }
}

#[test]
fn both_names_of_ed25519_are_one_algorithm() {
    for alg in ["EdDSA", "Ed25519"] {
        assert_eq!(algorithms(&read(&with(jwk("Ed25519"), json!({"alg": alg}))).unwrap()), ["EdDSA"]);
    }
    let other = with(jwk("RSA"), json!({"alg": "Ed25519"}));
    assert_eq!(refused(&other), "`alg` does not permit verifying signatures");
}

#[test]
fn a_private_key_is_a_leak() {
    let members = [("RSA", "d p q dp dq qi oth"), ("P-256", "d"), ("P-521", "d"), ("Ed25519", "d")];
    for (kind, names) in members {
        for name in names.split(' ') {
            let why = format!("`{name}` belongs to a private key, which has leaked; replace the key");
            assert_eq!(refused(&with(jwk(kind), json!({name: "AAAA"}))), why);
        }
    }
}

#[test]
fn an_rsa_key_is_strong_and_not_too_large() {
    let rsa = jwk("RSA");
    let n = bytes(&rsa, "n");
    let of = |n: &[u8]| refused(&with_bytes(&rsa, "n", n));
    assert_eq!(of(&n[1..]), "too weak: RSA modulus has less than 2048 bits");
    assert_eq!(of(&[&[0x7f], &n[1..]].concat()), "too weak: RSA modulus has less than 2048 bits");
    assert_eq!(of(&[&[0; 256], &n[128..]].concat()), "too weak: RSA modulus has less than 2048 bits");
    assert_eq!(of(&[]), "too weak: RSA modulus has less than 2048 bits");
    assert_eq!(of(&[&n[..255], &[n[255] ^ 1]].concat()), "invalid key: RSA modulus is even");
    assert_eq!(of(&[1; 1025]), "too large: RSA modulus has more than 8192 bits");
    assert!(read(&with_bytes(&rsa, "n", &[0xff; 1024])).is_ok());
    let exponent = |e: &[u8]| read(&with_bytes(&rsa, "e", e)).map_err(|error| error.to_string()).err();
    for e in [&[3][..], &[1, 0, 1], &[0, 0, 3], &[0xff, 0xff, 0xff, 0xff]] {
        assert_eq!(exponent(e), None, "{e:?}");
    }
    let bad = "invalid key: RSA exponent is even, less than 3 or longer than 32 bits";
    for e in [&[][..], &[0], &[1], &[2], &[0, 1], &[1, 0, 0], &[1, 0, 0, 0, 1], &n] {
        assert_eq!(exponent(e).as_deref(), Some(bad), "{e:?}");
    }
}

#[test]
fn zeros_before_an_rsa_modulus_mean_nothing() {
    let rsa = jwk("RSA");
    let n = bytes(&rsa, "n");
    let spki = |jwk: &Value| {
        let set = read(jwk).unwrap();
        let key = set.candidates(None, tollgate_jose::Algorithm::Rs256).next().unwrap();
        key.spki().unwrap().to_vec()
    };
    assert_eq!(spki(&with_bytes(&rsa, "n", &[&[0, 0], n.as_slice()].concat())), spki(&rsa));
}

#[test]
fn a_point_has_its_length_and_is_on_its_curve() {
    for (kind, name) in [("P-256", "x"), ("P-256", "y"), ("P-521", "x"), ("P-521", "y")] {
        let ec = jwk(kind);
        let coordinate = bytes(&ec, name);
        let mut moved = coordinate.clone();
        *moved.last_mut().unwrap() ^= 1;
        let of = |bytes: &[u8]| refused(&with_bytes(&ec, name, bytes));
        assert_eq!(of(&moved), format!("invalid key: {kind} key is not on the curve"));
        assert_eq!(of(&vec![0xff; coordinate.len()]), format!("invalid key: {kind} key is not on the curve"));
        for wrong in [&coordinate[1..], &[&[0], &coordinate[..]].concat(), &[]] {
            assert_eq!(of(wrong), format!("`{name}` is missing or malformed"));
        }
    }
    let zero = base64url::encode(&[0; 32]);
    let origin = with(jwk("P-256"), json!({"x": zero, "y": zero}));
    assert_eq!(refused(&origin), "invalid key: P-256 key is not on the curve");
    assert_eq!(refused(&with(jwk("P-256"), json!({"crv": "P-384"}))), "`x` is missing or malformed");
}

#[test]
fn an_ed25519_key_is_neither_weak_nor_written_in_a_second_way() {
    let of = |bytes: &[u8]| refused(&with_bytes(&jwk("Ed25519"), "x", bytes));
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(of(&identity), "too weak: Ed25519 key has a small order");
    assert_eq!(of(&[0; 32]), "too weak: Ed25519 key has a small order");
    // 2^255 - 19 + y: y of 3 is on the curve and of large order.
    let mut three = [0xff; 32];
    (three[0], three[31]) = (0xed + 3, 0x7f);
    assert_eq!(of(&three), "invalid key: Ed25519 key is not canonical");
    let mut plain = [0; 32];
    plain[0] = 3;
    assert!(read(&with_bytes(&jwk("Ed25519"), "x", &plain)).is_ok());
    plain[0] = 2;
    assert_eq!(of(&plain), "invalid key: Ed25519 key is not on the curve");
    for length in [0, 31, 33] {
        assert_eq!(of(&vec![3; length]), "invalid key: Ed25519 key does not have 32 bytes");
    }
}

#[test]
fn a_secret_is_as_long_as_the_hash() {
    let secret =
        |length: usize, members: Value| read(&with(with_bytes(&jwk("oct"), "k", &vec![7; length]), members));
    let for_any =
        |length| secret(length, json!({})).map(|set| algorithms(&set).join(" ")).map_err(|e| e.to_string());
    let weak = "too weak: secret has less than 32 bytes";
    assert_eq!(for_any(0), Err(weak.into()));
    assert_eq!(for_any(31), Err(weak.into()));
    assert_eq!(for_any(32), Ok("HS256".into()));
    assert_eq!(for_any(47), Ok("HS256".into()));
    assert_eq!(for_any(48), Ok("HS256 HS384".into()));
    assert_eq!(for_any(64), Ok("HS256 HS384 HS512".into()));
    assert_eq!(for_any(1024), Ok("HS256 HS384 HS512".into()));
    assert_eq!(for_any(1025), Err("too large: secret has more than 1024 bytes".into()));
    let short = secret(63, json!({"alg": "HS512"})).unwrap_err();
    assert_eq!(short.to_string(), "too weak: secret is shorter than the hash of its `alg`");
    assert!(secret(64, json!({"alg": "HS512"})).is_ok());
}

#[test]
fn a_secret_is_not_shown() {
    let set = read(&with_bytes(&jwk("oct"), "k", b"0123456789abcdefghijklmnopqrstuv")).unwrap();
    let shown = format!("{set:?}");
    assert!(!shown.contains("48, 49") && !shown.contains("0123"), "{shown}");
}

#[test]
fn the_host_is_given_what_openssl_writes() {
    for name in ["rsa2048", "rsa3072", "p256", "p384", "p521"] {
        let text = pem(&format!("{name}.pub"));
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let set = KeySet::from_pem(&text).unwrap();
        let first =
            tollgate_jose::Algorithm::ALL.iter().find_map(|a| set.candidates(None, *a).next()).unwrap();
        let written = base64url::encode(first.spki().unwrap()).replace('-', "+").replace('_', "/");
        assert_eq!(written, body.trim_end_matches('='), "{name}");
    }
}
