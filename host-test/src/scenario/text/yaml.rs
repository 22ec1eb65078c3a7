//! Reads YAML and JSON, with bounds on size and depth.
//!
//! The same parser reads both, because JSON is YAML. The parser limits aliases, depth and the number of
//! nodes. This module limits the size of a file. A malicious file therefore cannot exhaust the memory of a
//! tool that checks it.

use serde_json::Value;
use std::io::Read;
use std::path::Path;

/// Maximum size of a file: far more than any configuration that is written by hand.
pub const MAX_BYTES: u64 = 16 << 20;

/// Version of YAML, which decides what plain scalars mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// YAML 1.1, which Envoy and Kubernetes read: `yes` and `on` are true.
    V1_1,
    /// YAML 1.2: only `true` is true, and `yes` is text.
    V1_2,
}

/// Reads a file as UTF-8 text.
///
/// # Errors
/// The file cannot be read, has more than [`MAX_BYTES`], or is not UTF-8. The message is one line, without
/// the path.
pub fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("has more than {MAX_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|e| format!("is not UTF-8 from byte {}", e.utf8_error().valid_up_to()))
}

/// Returns the documents of a text, without empty ones.
///
/// # Errors
/// The text is not YAML, has a duplicate key, or exceeds the bounds. The message is one line, with line and
/// column.
pub fn documents(text: &str, dialect: Dialect) -> Result<Vec<Value>, String> {
    // 10,000 authorization policies have 500,000 nodes, and each may be a document. What aliases repeat is
    // bounded separately: a file of a few lines can repeat as many nodes as it likes.
    let budget = serde_saphyr::budget! { max_nodes: 1_000_000, max_events: 2_000_000, max_documents: 20_000 };
    let aliases = serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 };
    let options = serde_saphyr::options! {
        strict_booleans: dialect == Dialect::V1_2, budget: budget, alias_limits: aliases
    };
    let documents: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|why| one_line(&why.to_string()))?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// Returns the only document of a text.
///
/// # Errors
/// As [`documents`], or the text does not have exactly one document.
pub fn document(text: &str, dialect: Dialect) -> Result<Value, String> {
    let mut documents = documents(text, dialect)?;
    match (documents.pop(), documents.len()) {
        (Some(document), 0) => Ok(document),
        (None, _) => Err("is empty".into()),
        (Some(_), others) => Err(format!("has {} documents, expected one", others + 1)),
    }
}

/// Returns the parser's message without the excerpt below it.
fn one_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Value, documents};
    use serde_json::json;

    fn document(text: &str) -> Result<Value, String> {
        super::document(text, Dialect::V1_1)
    }

    #[test]
    fn reads_json_and_yaml() {
        let expected = json!({"a": [1, 2.5, true, null, "x"]});
        assert_eq!(document(r#"{"a": [1, 2.5, true, null, "x"]}"#).unwrap(), expected);
        assert_eq!(document("a: [1, 2.5, yes, ~, x]").unwrap(), expected);
        assert_eq!(
            documents("---\na: 1\n---\n---\nb: 2\n", Dialect::V1_1).unwrap(),
            [json!({"a": 1}), json!({"b": 2})]
        );
    }

    #[test]
    fn errors_name_the_line() {
        let message = document("a: 1\nb: [2\n").unwrap_err();
        assert!(message.contains("line") && !message.contains('\n'), "{message}");
        let twice = document("a: 1\na: 2").unwrap_err();
        assert!(twice.contains("duplicate"), "{twice}");
        assert_eq!(document("").unwrap_err(), "is empty");
        assert_eq!(document("a: 1\n---\nb: 1\n").unwrap_err(), "has 2 documents, expected one");
    }

    #[test]
    fn the_dialect_decides_whether_yes_is_true() {
        assert_eq!(document("[yes, off, true]").unwrap(), json!([true, false, true]));
        assert_eq!(super::document("[yes, off, true]", Dialect::V1_2).unwrap(), json!(["yes", "off", true]));
    }

    #[test]
    fn limits_depth_and_aliases() {
        assert!(document(&"[".repeat(100_000)).is_err());
        let deep: String = (0..5_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        assert!(document(&deep).is_err());
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let (aliases, before) = (format!("*a{}, ", n - 1).repeat(9), n - 1);
            laughs += &format!("a{n}: &a{n} [{aliases}*a{before}]\n");
        }
        assert!(document(&laughs).is_err());
    }
}
