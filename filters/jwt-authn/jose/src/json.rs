//! JSON as a token may hold it: no member twice, bounded nesting, nothing behind it.

/// A JSON value of a token.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as serde_json holds it: an integer of 64 bits, or a float.
    Number(serde_json::Number),
    /// A string.
    String(Box<str>),
    /// An array.
    Array(Vec<Json>),
    /// An object, its members in order, no name twice.
    Object(Vec<(Box<str>, Json)>),
}

impl Json {
    /// Reads one value, strictly.
    pub fn parse(_bytes: &[u8]) -> Option<Self> {
        None
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(n, _)| &**n == name).map(|(_, value)| value)
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }
}
