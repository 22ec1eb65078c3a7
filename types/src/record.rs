//! Values in data that VMs share.

/// A value that can be encoded as bytes, for shared data.
pub trait Record: Sized {
    /// Version of the encoding. Increase it with every change of the encoding: a record of another version is
    /// read as absent.
    const VERSION: u8;

    /// Appends the encoding of the value to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// Decodes a value. Returns `None` if the bytes are not a valid encoding.
    fn decode(bytes: &[u8]) -> Option<Self>;
}
