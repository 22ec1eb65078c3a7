//! Tokens that two parsers might interpret differently: parts, base64url, JSON.

use super::setup::Forge;
use super::{Attack, bearer, refused};
use serde_json::json;
use tollgate_host_test::Request;
use tollgate_jwt_authn_policy::Reason::{
    self, BadFormat, ExpirationOutOfRange, HeaderNotBase64, HeaderNotJson, NoAlgorithm, PayloadNotBase64,
    PayloadNotJson, SignatureNotBase64, TooLong,
};

pub fn attacks(forge: &Forge) -> Vec<Attack> {
    [parts(forge), encoding(forge), header(forge), payload(forge)].into_iter().flatten().collect()
}

fn parts(forge: &Forge) -> Vec<Attack> {
    let good = forge.good();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let row = |name, token: String| refused(name, BadFormat, bearer("/", token));
    let flattened = json!({ "protected": "e30", "payload": "e30", "signature": signature }).to_string();
    vec![
        row("one part", "abc".into()),
        row("two parts", input.into()),
        row("four parts", format!("{good}.{signature}")),
        row("five parts, which is encryption", format!("{good}.AAAA.AAAA")),
        row("a dot at the end", format!("{good}.")),
        row("a dot at the start", format!(".{good}")),
        row("two dots between", good.replacen('.', "..", 1)),
        row("a token as JSON", flattened),
        refused("dots alone", HeaderNotJson, bearer("/", "..")),
        refused("no header", HeaderNotJson, bearer("/", format!(".{}", good.split_once('.').unwrap().1))),
        refused("20,000 bytes", TooLong, bearer("/", "a".repeat(20_000))),
        refused(
            "a good token that is too long",
            TooLong,
            bearer("/", forge.token(json!({ "pad": "x".repeat(20_000) }))),
        ),
        row("16,000 dots", ".".repeat(16_000)),
    ]
}

/// Each part of a good token, in invalid base64url.
fn encoding(forge: &Forge) -> Vec<Attack> {
    // Each must have unused bits in its last character, and one of the two characters that differ from
    // base64.
    let header = br#"{"alg":"RS256","kid":"rsa2048-0","x":">>>???>>>???"} "#;
    let payload = (0..).map(|n| {
        let mut text = forge.with(json!({ "name": ">>>???>>>???" })).to_string().into_bytes();
        text.resize(text.len() + n, b' ');
        text
    });
    let payload = payload.take(3).find(|text| text.len() % 3 != 0).unwrap();
    let token = forge.rsa.sign_raw(header, &payload);
    let parts: Vec<&str> = token.split('.').collect();
    let reasons = [HeaderNotBase64, PayloadNotBase64, SignatureNotBase64];
    let names = [
        ["bits to spare in the header", "bits to spare in the payload", "bits to spare in the signature"],
        ["padding of the header", "padding of the payload", "padding of the signature"],
        ["base64 in the header", "base64 in the payload", "base64 in the signature"],
        ["a space in the header", "a space in the payload", "a space in the signature"],
        ["a line end in the header", "a line end in the payload", "a line end in the signature"],
        ["NUL in the header", "NUL in the payload", "NUL in the signature"],
        ["a byte of 255 in the header", "a byte of 255 in the payload", "a byte of 255 in the signature"],
        [
            "a letter too many in the header",
            "a letter too many in the payload",
            "a letter too many in the signature",
        ],
    ];
    let mut rows = Vec::new();
    for place in 0..3 {
        let part = parts[place];
        let inserted = |text: &str| [&part[..4], text, &part[4..]].concat();
        // A query can contain any byte.
        let whole = |changed: String| {
            let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            parts[place] = changed;
            Request::get(&format!("/?access_token={}", parts.join(".")))
        };
        let padded = format!("{part}{}", "%3D".repeat((4 - part.len() % 4) % 4));
        let standard = part.replace('-', "%2B").replace('_', "%2F");
        let changes = [
            loose(part),
            padded,
            standard,
            inserted("%20"),
            inserted("%0A"),
            inserted("%00"),
            inserted("%FF"),
            lonely(part),
        ];
        for (names, change) in names.iter().zip(changes) {
            assert_ne!(change, part, "{}", names[place]);
            rows.push(refused(names[place], reasons[place], whole(change)));
        }
    }
    rows
}

/// The same bytes with another last character.
fn loose(part: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert!(part.len() % 4 > 1, "no bits to spare");
    let (rest, last) = part.split_at(part.len() - 1);
    let at = ALPHABET.iter().position(|byte| *byte == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", char::from(ALPHABET[at | 1]))
}

/// The character for 6 bits.
fn lonely(part: &str) -> String {
    format!("{part}{}", "A".repeat(5 - part.len() % 4))
}

fn header(forge: &Forge) -> Vec<Attack> {
    let row = |name, header: &str| refused(name, HeaderNotJson, bearer("/", forge.header(header)));
    let deep = format!(r#"{{"alg":"RS256","x":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    vec![
        row("alg twice, none last", r#"{"alg":"RS256","alg":"none"}"#),
        row("alg twice, none first", r#"{"alg":"none","alg":"RS256"}"#),
        row("alg twice, once escaped", r#"{"alg":"RS256","\u0061lg":"none"}"#),
        row("jwk with a member twice", r#"{"alg":"RS256","jwk":{"kty":"RSA","kty":"oct"}}"#),
        row("something after the header", r#"{"alg":"RS256"}{"alg":"none"}"#),
        row("a byte order mark before the header", "\u{feff}{\"alg\":\"RS256\"}"),
        row("a header that is a list", r#"["RS256"]"#),
        row("a header that is a text", r#""RS256""#),
        row("a header of nothing but space", " "),
        row("a comment in the header", r#"{"alg":"RS256"/**/}"#),
        row("a comma too many in the header", r#"{"alg":"RS256",}"#),
        row("a header in single quotes", "{'alg':'RS256'}"),
        row("a header nested 100 deep", &deep),
        refused(
            "a header in Latin-1",
            HeaderNotJson,
            bearer("/", forge.header(b"{\"alg\":\"RS256\",\"x\":\"\xe9\"}")),
        ),
        refused("an empty header", NoAlgorithm, bearer("/", forge.header("{}"))),
    ]
}

fn payload(forge: &Forge) -> Vec<Attack> {
    let open = forge.open_claims();
    let row = |name, reason: Reason, text: String| refused(name, reason, bearer("/", forge.payload(text)));
    let twice = |name, member: &str| row(name, PayloadNotJson, format!("{open},{member}}}"));
    // A duplicate member before the good one.
    let first = |name, member: &str| {
        row(name, PayloadNotJson, format!("{{{member},{}", &forge.claims().to_string()[1..]))
    };
    let not_json = |name, text: String| row(name, PayloadNotJson, text);
    let deep = |text: &str, end: &str| format!("{open},\"x\":{}{}}}", text.repeat(1000), end.repeat(1000));
    vec![
        twice("iss twice, the bad one last", r#""iss":"https://attacker.test""#),
        first("iss twice, the bad one first", r#""iss":"https://attacker.test""#),
        twice("exp twice, the later last", r#""exp":99999999999"#),
        first("exp twice, the later first", r#""exp":99999999999"#),
        twice("aud twice, the other last", r#""aud":"admin""#),
        first("aud twice, the other first", r#""aud":"admin""#),
        twice("sub twice, once escaped", r#""s\u0075b":"admin""#),
        twice("a member twice in a claim", r#""x":{"a":1,"a":2}"#),
        not_json("claims after the claims", format!("{}{}", forge.claims(), forge.claims())),
        not_json("NUL after the claims", format!("{}\0", forge.claims())),
        not_json("a byte order mark before the claims", format!("\u{feff}{}", forge.claims())),
        not_json("claims that are a list", format!("[{}]", forge.claims())),
        not_json("claims that are a text", r#""alice""#.into()),
        not_json("claims that are null", "null".into()),
        not_json("no claims", String::new()),
        not_json("lists 1,000 deep", deep("[", "]")),
        not_json("objects 1,000 deep", deep("{\"a\":", "}").replacen("{\"a\":}", "{\"a\":1}", 1)),
        not_json("lists that are never closed", format!("{open},\"x\":{}", "[".repeat(5000))),
        not_json("a number without end", format!("{open},\"x\":1e400}}")),
        not_json("exp that is NaN", format!("{open},\"x\":NaN}}")),
        not_json("exp that is Infinity", format!("{open},\"x\":-Infinity}}")),
        not_json("a number with a zero before", format!("{open},\"x\":01}}")),
        not_json("half a surrogate", format!("{open},\"name\":\"\\ud800\"}}")),
        not_json("a line end in a text", format!("{open},\"name\":\"a\nb\"}}")),
        refused(
            "claims in Latin-1",
            PayloadNotJson,
            bearer("/", forge.payload([open.as_bytes(), b",\"name\":\"\xe9\"}"].concat())),
        ),
        refused(
            "an overlong form of a quote",
            PayloadNotJson,
            bearer("/", forge.payload([open.as_bytes(), b",\"name\":\"\xc0\xa2\"}"].concat())),
        ),
        row(
            "exp of 2^64",
            ExpirationOutOfRange,
            forge.with(json!({ "exp": 18_446_744_073_709_551_616.0 })).to_string(),
        ),
    ]
}
