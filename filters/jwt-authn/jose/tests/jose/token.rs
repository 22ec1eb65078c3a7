//! Rejected tokens and their errors.

use crate::support::token;
use tollgate_jose::TokenError::{self, *};
use tollgate_jose::{Algorithm, Jws, base64url};

const HEADER: &str = r#"{"alg":"RS256"}"#;

#[track_caller]
fn refused(token: &[u8], error: TokenError) {
    assert_eq!(Jws::parse(token).err(), Some(error), "{}", String::from_utf8_lossy(token));
}

#[track_caller]
fn header(json: &str) -> Result<tollgate_jose::Header, TokenError> {
    Jws::parse(token(json, "{}").as_bytes()).map(|jws| jws.header)
}

#[test]
fn a_token_is_three_parts() {
    let good = token(HEADER, "{}");
    assert!(Jws::parse(good.as_bytes()).is_ok());
    for text in ["", ".", "a", "a.b", &format!("{good}."), &format!(".{good}"), &format!("{good}.AAAA.AAAA")]
    {
        refused(text.as_bytes(), NotThreeParts);
    }
    refused(b"..", HeaderNotJson);
    refused(good.replace('.', "\u{ff0e}").as_bytes(), NotThreeParts);
}

#[test]
fn each_part_has_one_spelling() {
    let (head, payload) = (base64url::encode(HEADER.as_bytes()), base64url::encode(b"{}"));
    let spoilt = |part: &str| {
        let mut texts: Vec<String> = ["=", "==", " ", "\n", "\r", "\t", "\0", "+", "/", "A", "%3D"]
            .iter()
            .flat_map(|more| [format!("{part}{more}"), format!("{more}{part}")])
            .collect();
        // The last character, with its trailing bits set.
        texts.push(format!("{}{}", &part[..part.len() - 1], "-"));
        texts.push(format!("{part}\u{e9}"));
        texts
    };
    // 15 bytes are 20 characters without trailing bits. 21 characters are an impossible length.
    for text in spoilt(&head).into_iter().filter(|text| base64url::decode(text.as_bytes()).is_none()) {
        refused(format!("{text}.{payload}.AAAA").as_bytes(), HeaderNotBase64);
    }
    for text in spoilt(&payload).into_iter().filter(|text| !text.contains('A')) {
        refused(format!("{head}.{text}.AAAA").as_bytes(), PayloadNotBase64);
    }
    for text in ["", "A", "AB", "AAB", "AAAA=", "AA==", "AA+A", "AA/A", "AAA A", " AAAA", "AAAA\n"] {
        refused(format!("{head}.{payload}.{text}").as_bytes(), SignatureNotBase64);
    }
    refused(format!("{head}.{payload}.AA\u{e9}A").as_bytes(), SignatureNotBase64);
}

#[test]
fn the_header_is_one_strict_object() {
    let deep = format!(r#"{{"alg":"RS256","a":{}{}}}"#, "[".repeat(16), "]".repeat(16));
    let members = [
        "",
        "null",
        "[]",
        r#""RS256""#,
        r#"["alg","RS256"]"#,
        r#"{"alg":"RS256"}{}"#,
        r#"{"alg":"RS256"},"#,
        r#"{"alg":"RS256","alg":"HS256"}"#,
        r#"{"alg":"RS256","\u0061lg":"none"}"#,
        r#"{"alg":"RS256","a":{"b":1,"b":1}}"#,
        r#"{"alg":"RS256","kid":"a","kid":"a"}"#,
        r#"{"alg":"RS256",}"#,
        r#"{"alg":"RS256","a":1e999}"#,
        r#"{"alg":"RS256","a":01}"#,
        r#"{"alg":"RS256","a":NaN}"#,
        r#"{"alg":"RS256","a":"\ud800"}"#,
        "{\"alg\":\"RS256\",\"a\":\"\u{1}\"}",
        "\u{feff}{\"alg\":\"RS256\"}",
        "{'alg':'RS256'}",
        "{\"alg\":\"RS256\"}\0",
        &deep,
    ];
    for json in members {
        assert_eq!(header(json).err(), Some(HeaderNotJson), "{json}");
    }
    let not_utf8 = base64url::encode(b"{\"alg\":\"RS256\",\"kid\":\"\xff\"}");
    refused(format!("{not_utf8}.e30.AAAA").as_bytes(), HeaderNotJson);
    assert!(header(&deep.replacen('[', "", 1).replacen(']', "", 1)).is_ok());
    assert!(header(" {\r\n \"alg\" : \"RS256\" } ").is_ok());
}

#[test]
fn the_algorithm_is_one_that_is_known_as_it_is_written() {
    for algorithm in Algorithm::ALL {
        assert_eq!(header(&format!(r#"{{"alg":"{algorithm}"}}"#)).unwrap().algorithm, *algorithm);
    }
    for alg in
        ["none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "RS1", "HS1", "ES256K", "RSA-OAEP", "dir"]
    {
        assert_eq!(header(&format!(r#"{{"alg":"{alg}"}}"#)).err(), Some(UnknownAlgorithm), "{alg}");
    }
    for json in ["{}", r#"{"alg":null}"#, r#"{"alg":["RS256"]}"#, r#"{"alg":256}"#, r#"{"ALG":"RS256"}"#] {
        assert_eq!(header(json).err(), Some(HeaderWithoutAlgorithm), "{json}");
    }
}

#[test]
fn the_names_of_key_and_type_are_texts() {
    let read = header(r#"{"alg":"RS256","kid":"\u0061/../\"","typ":"at+jwt","cty":"JWT"}"#).unwrap();
    assert_eq!((read.key_id.as_deref(), read.typ.as_deref()), (Some("a/../\""), Some("at+jwt")));
    assert_eq!(header(r#"{"alg":"RS256","kid":""}"#).unwrap().key_id, None);
    for value in ["null", "1", "[]", "{}", "true", r#"["a"]"#] {
        assert_eq!(header(&format!(r#"{{"alg":"RS256","kid":{value}}}"#)).err(), Some(BadKeyId));
        assert_eq!(header(&format!(r#"{{"alg":"RS256","typ":{value}}}"#)).err(), Some(BadType));
        assert_eq!(header(&format!(r#"{{"alg":"RS256","cty":{value}}}"#)).err(), Some(BadType));
    }
    let with_id = |length| header(&format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(length)));
    assert!(with_id(1024).is_ok());
    assert_eq!(with_id(1025).err(), Some(BadKeyId));
}

#[test]
fn an_extension_is_refused() {
    let extensions = [
        r#""crit":["exp"],"exp":1"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""crit":["b64"],"b64":true"#,
        r#""crit":["b64"],"b64":false"#,
        r#""b64":false"#,
        r#""b64":"true""#,
        r#""b64":null"#,
        r#""zip":"DEF""#,
        r#""enc":"A128GCM""#,
    ];
    for extension in extensions {
        let json = format!(r#"{{"alg":"RS256",{extension}}}"#);
        assert_eq!(header(&json).err(), Some(CriticalExtension), "{json}");
    }
    assert!(header(r#"{"alg":"RS256","b64":true}"#).is_ok());
}

#[test]
fn a_key_that_the_token_brings_is_read_past() {
    let brought = r#"{"alg":"RS256","jwk":{"kty":"oct","k":"AAAA"},"jku":"https://evil.test/","x5u":1,"x5c":["AAAA"],"x5t":{}}"#;
    assert_eq!(header(brought), header(HEADER));
}

#[test]
fn claims_are_one_strict_object() {
    let claims = |payload: &str| Jws::parse(token(HEADER, payload).as_bytes()).unwrap().claims();
    assert_eq!(claims(r#" {"iss":"a"} "#).unwrap().to_string(), r#"{"iss":"a"}"#);
    for payload in
        ["", "null", "[]", r#""a""#, "{", r#"{"iss":"a","iss":"b"}"#, r#"{"a":[{"b":1,"b":2}]}"#, "{}{}"]
    {
        assert_eq!(claims(payload), Err(PayloadNotJson), "{payload}");
    }
}

#[test]
fn a_large_token_is_read_like_a_small_one() {
    // Comparing each name with each other would take minutes.
    let members = |last: &str| {
        let names = (0..100_000).map(|n| format!(r#""m{n}":{n},"#)).collect::<String>();
        format!(r#"{{{names}"{last}":0}}"#)
    };
    let claims = |payload: &str| Jws::parse(token(HEADER, payload).as_bytes()).unwrap().claims();
    assert_eq!(claims(&members("last")).unwrap().as_object().unwrap().len(), 100_001);
    assert_eq!(claims(&members("m0")), Err(PayloadNotJson));
    refused(".".repeat(1 << 20).as_bytes(), NotThreeParts);
    refused(
        format!("{}.e30.AAAA", base64url::encode("[".repeat(1 << 20).as_bytes())).as_bytes(),
        HeaderNotJson,
    );
}
