//! Attributes that the host provides, each read at most once per request.

use crate::expr::Value;
use core::cell::{OnceCell, RefCell};
use core::net::IpAddr;
use std::rc::Rc;
use tollgate_policy::{UnixNanos, Value as Json, config, uri};

/// Inputs of a decision that are not part of the request. The shell and the tests implement it.
pub trait Environment {
    /// Returns the attribute at a path, in Envoy's encoding; `None` if it is absent. The segments of the path
    /// are separated by NUL.
    fn property(&self, path: &str) -> Result<Option<Vec<u8>>, Unavailable>;

    /// Returns the time; `None` if the host does not provide it. Called only for the audit log.
    fn now(&self) -> Option<UnixNanos>;

    /// Returns a random number, uniform over all of `u64`. Called only for the audit log.
    fn draw(&self) -> u64;
}

/// The host failed to provide a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// Attributes that are kept as bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    SourceAddress,
    SourcePort,
    DestinationAddress,
    DestinationPort,
    MutualTls,
    ServerName,
    UriSan,
    DnsSan,
    Subject,
    TlsVersion,
}

impl Slot {
    const COUNT: usize = 10;

    fn path(self) -> &'static str {
        match self {
            Self::SourceAddress => "source\0address",
            Self::SourcePort => "source\0port",
            Self::TlsVersion => "connection\0tls_version",
            Self::DestinationAddress => "destination\0address",
            Self::DestinationPort => "destination\0port",
            Self::MutualTls => "connection\0mtls",
            Self::ServerName => "connection\0requested_server_name",
            Self::UriSan => "connection\0uri_san_peer_certificate",
            Self::DnsSan => "connection\0dns_san_peer_certificate",
            Self::Subject => "connection\0subject_peer_certificate",
        }
    }
}

/// The bytes of a filter state, or `None` if it is absent.
type State = Option<Rc<[u8]>>;

/// See the [module](self).
pub(crate) struct Attributes<'e> {
    environment: &'e dyn Environment,
    slots: [OnceCell<Option<Vec<u8>>>; Slot::COUNT],
    metadata: OnceCell<Json>,
    route_metadata: OnceCell<Json>,
    states: RefCell<Vec<(Box<str>, State)>>,
}

impl<'e> Attributes<'e> {
    pub fn new(environment: &'e dyn Environment) -> Self {
        let (slots, states) = ([const { OnceCell::new() }; Slot::COUNT], RefCell::default());
        Self { environment, slots, metadata: OnceCell::new(), route_metadata: OnceCell::new(), states }
    }

    pub fn environment(&self) -> &'e dyn Environment {
        self.environment
    }

    /// Returns a property that is not kept.
    pub fn property(&self, path: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.environment.property(path)
    }

    #[inline(never)]
    fn slot(&self, slot: Slot) -> Result<Option<&[u8]>, Unavailable> {
        let Some(cell) = self.slots.get(slot as usize) else { return Err(Unavailable) };
        if cell.get().is_none() {
            let value = self.environment.property(slot.path())?;
            let _ = cell.set(value);
        }
        Ok(cell.get().and_then(Option::as_deref))
    }

    /// Returns a text; empty if the attribute is absent.
    pub fn text(&self, slot: Slot) -> Result<&[u8], Unavailable> {
        Ok(self.slot(slot)?.unwrap_or_default())
    }

    /// Returns a whole number.
    pub fn number(&self, slot: Slot) -> Result<Option<i64>, Unavailable> {
        let Some(bytes) = self.slot(slot)? else { return Ok(None) };
        bytes.try_into().map(|bytes| Some(i64::from_le_bytes(bytes))).map_err(|_| Unavailable)
    }

    /// Returns a boolean; `false` if the attribute is absent.
    pub fn flag(&self, slot: Slot) -> Result<bool, Unavailable> {
        match self.slot(slot)? {
            None | Some([0]) => Ok(false),
            Some([1]) => Ok(true),
            Some(_) => Err(Unavailable),
        }
    }

    /// Returns the address of an attribute with a port; `None` if it is absent, or a Unix domain socket.
    pub fn address(&self, slot: Slot) -> Result<Option<IpAddr>, Unavailable> {
        Ok(self.slot(slot)?.and_then(address))
    }

    /// Returns the address in a filter state, with or without a port.
    pub fn state_address(&self, name: &str) -> Result<Option<IpAddr>, Unavailable> {
        let state = self.state(name)?;
        let Some(bytes) = state.as_deref() else { return Ok(None) };
        // A value that is not an address must not count as an absent one: the configuration is wrong.
        Value::Text(bytes).address().map(Some).ok_or(Unavailable)
    }

    /// Returns a filter state by its full name.
    #[inline(never)]
    pub fn state(&self, name: &str) -> Result<State, Unavailable> {
        let known = |states: &[(Box<str>, State)]| {
            states.iter().find(|(known, _)| **known == *name).map(|(_, state)| state.clone())
        };
        if let Some(state) = known(&self.states.borrow()) {
            return Ok(state);
        }
        let state = self.environment.property(&["filter_state\0", name].concat())?.map(Rc::from);
        self.states.borrow_mut().push((name.into(), State::clone(&state)));
        Ok(state)
    }

    /// Returns the dynamic metadata, by namespace.
    pub fn metadata(&self) -> Result<&Json, Unavailable> {
        self.decoded(&self.metadata, "metadata")
    }

    /// Returns the metadata of the route, by namespace.
    pub fn route_metadata(&self) -> Result<&Json, Unavailable> {
        self.decoded(&self.route_metadata, "xds\0route_metadata")
    }

    #[inline(never)]
    fn decoded<'c>(&self, cell: &'c OnceCell<Json>, path: &str) -> Result<&'c Json, Unavailable> {
        if cell.get().is_none() {
            let metadata = match self.environment.property(path)? {
                Some(bytes) => config::metadata(&bytes).ok_or(Unavailable)?,
                None => Json::Null,
            };
            let _ = cell.set(metadata);
        }
        cell.get().ok_or(Unavailable)
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    uri::socket_ip(core::str::from_utf8(bytes).ok()?)
}
