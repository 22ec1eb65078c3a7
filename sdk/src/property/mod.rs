//! Envoy's attributes, each with its type and encoding.
//!
//! Reading a property is a host call that returns bytes. It costs about as much as reading all headers, so
//! read values from a header if one contains them. Properties that Envoy reads from the request headers
//! cannot be read in response callbacks: keep their values in the state of the stream.
//!
//! A value is absent (`None`) where Envoy has none, and empty where it has an empty one. A constant that a
//! filter does not use adds nothing to its module.

mod attributes;
mod value;

pub use attributes::*;
pub use value::{Message, Nested, Sha256, Value};

use crate::error::Result;
use crate::{Error, host};
use std::marker::PhantomData;
use std::net::IpAddr;
use tollgate_types::uri;

/// An attribute and the type of its value.
pub struct Property<T> {
    path: &'static str,
    value: PhantomData<T>,
}

impl<T> Property<T> {
    /// Creates the attribute at `path`. The segments are separated by NUL: `"source\0address"`.
    pub const fn new(path: &'static str) -> Self {
        Self { path, value: PhantomData }
    }

    /// Returns a part of a map, a message or filter state: the value at a path of names below this attribute,
    /// or `None` if it is absent. A name with a NUL is not found.
    ///
    /// In a message, the names are those of its fields, and of the members of a `google.protobuf.Struct`. Its
    /// numbers are `f64`.
    pub fn get_in<U: Value>(&self, names: &[&str]) -> Result<Option<U>> {
        let mut path = self.path.to_owned();
        for name in names {
            if name.contains('\0') {
                return Ok(None);
            }
            path.push('\0');
            path.push_str(name);
        }
        read(&path)
    }
}

impl<T: Value> Property<T> {
    /// Returns the value, or `None` if the attribute is absent.
    pub fn get(&self) -> Result<Option<T>> {
        read(self.path)
    }
}

fn read<T: Value>(path: &str) -> Result<Option<T>> {
    match host::property(path)? {
        None => Ok(None),
        Some(bytes) => T::decode(bytes).map(Some).ok_or(Error::Malformed("get_property")),
    }
}

/// Returns the address of the client, as Envoy determines it: with `use_remote_address` and
/// `xff_num_trusted_hops`, that may be one of `x-forwarded-for`. `None` for a Unix domain socket.
pub fn client_address() -> Result<Option<IpAddr>> {
    Ok(SOURCE_ADDRESS.get()?.as_deref().and_then(uri::socket_ip))
}

/// Sets the filter state `wasm.<name>` of this stream. Later filters read it with [`state`], and the access
/// log with `%FILTER_STATE(wasm.<name>:PLAIN)%`.
pub fn set_state(name: &'static str, value: &[u8]) -> Result<()> {
    host::set_property(name, value)
}

/// Returns the filter state that this or an earlier filter of the stream set with [`set_state`].
pub fn state(name: &'static str) -> Result<Option<Vec<u8>>> {
    host::property(name)
}

/// Returns the attribute at a path that is known only at run time, in Envoy's encoding, or `None` if it is
/// absent. The segments are separated by NUL. An empty value is not the same as an absent one.
pub fn by_path(path: &str) -> Result<Option<Vec<u8>>> {
    host::property(path)
}
