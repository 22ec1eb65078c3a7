//! One entry of a key.

/// Where an entry of a key comes from.
#[derive(Clone, Debug)]
pub enum Action {
    /// Always this value.
    GenericKey {
        /// The entry's key.
        descriptor_key: String,
        /// Its value.
        descriptor_value: String,
    },
}

/// An entry of a descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is: `remote_address`, a header's `descriptor_key`.
    pub key: &'a str,
    /// Whose, as bytes.
    pub value: std::borrow::Cow<'a, [u8]>,
}
