//! The signatures that are printed in RFC 7515 (A.1 to A.4), RFC 7520 (4.1 to 4.4) and RFC 8037 (A.4). That of RFC 7519
//! (3.1) is the first of RFC 7515.

use serde_json::Value;

/// A token that is printed in an RFC.
#[derive(Clone, Debug)]
pub struct Printed {
    /// Where.
    pub section: String,
    /// The public key, or secret, as it is printed there.
    pub jwk: Value,
    /// The token. Its signature is right.
    pub token: String,
}

/// All of them.
pub fn printed() -> Vec<Printed> {
    let rows: Vec<Value> = serde_json::from_str(include_str!("../../testdata/rfc.json")).expect("rfc.json");
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let row = |row: &Value| Printed {
        section: text(&row["section"]),
        jwk: row["jwk"].clone(),
        token: text(&row["token"]),
    };
    rows.iter().map(row).collect()
}
