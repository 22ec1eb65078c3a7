//! Attributes of a stream as CEL variables. An attribute is looked up only when an expression uses it.
//!
//! The interpreter needs values that can be shared between threads, but the context of a call cannot be
//! shared. A lookup therefore uses the known attributes and records the unknown ones. Those are then fetched,
//! and the expression is evaluated again. An expression uses few attributes, and each evaluation finds at
//! least one more.

use super::ForeignContext;
use crate::emulator::state::{Status, Value, pairs};
use cel::ExecutionError;
use cel::common::traits::{self, Container, Indexer, Iterable, Sizer};
use cel::common::types::{CelInt, CelList, CelString, CelType, MAP_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::context::VariableResolver;
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names of attribute groups. They exist even when they are empty.
const GROUPS: [&str; 9] = [
    "connection",
    "destination",
    "filter_state",
    "metadata",
    "request",
    "response",
    "source",
    "upstream",
    "xds",
];

type Path = Vec<String>;

/// Known attributes, and the unknown ones that an expression used.
#[derive(Debug, Default)]
pub struct Attributes {
    known: Mutex<BTreeMap<Path, Option<Value>>>,
    wanted: Mutex<BTreeSet<Path>>,
}

impl Attributes {
    /// Fetches the attributes that were unknown. Returns false if all were known.
    pub fn fetch(&self, cx: &dyn ForeignContext) -> bool {
        let wanted = std::mem::take(&mut *lock(&self.wanted));
        let any = !wanted.is_empty();
        for path in wanted {
            let value = cx.property(&path.iter().map(String::as_str).collect::<Vec<_>>());
            lock(&self.known).insert(path, value);
        }
        any
    }

    fn ask(&self, path: &Path) -> Option<Value> {
        match lock(&self.known).get(path) {
            Some(value) => value.clone(),
            None => {
                lock(&self.wanted).insert(path.clone());
                None
            }
        }
    }
}

/// Locks a mutex. It cannot be poisoned, because no code panics while it holds the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Resolves the variables of an expression.
pub struct Roots(pub Arc<Attributes>);

impl VariableResolver for Roots {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let name = name.trim_start_matches('.');
        // The interpreter tries `request.path` as one name before `request`.
        if name.contains('.') {
            return None;
        }
        let path = vec![name.to_owned()];
        let upstream = || self.0.ask(&vec!["upstream".to_owned(), "address".to_owned()]).is_some();
        if GROUPS.contains(&name) || (name == "upstream_filter_state" && upstream()) {
            return Some(CowVal::owned(Group::new(&self.0, path, None)));
        }
        let value = self.0.ask(&path)?;
        to_cel(&self.0, path, value).ok().map(CowVal::Owned)
    }
}

/// A group of attributes, or an attribute that is a map. Members are looked up by the host's rules, so header
/// names are case-insensitive.
#[derive(Clone, Debug)]
struct Group {
    attributes: Arc<Attributes>,
    path: Path,
    value: Option<Value>,
    keys: Vec<CelString<'static>>,
}

impl Group {
    fn new(attributes: &Arc<Attributes>, path: Path, value: Option<Value>) -> Self {
        let keys = match &value {
            Some(Value::Map(entries)) => {
                entries.iter().map(|(key, _)| CelString::from(key.clone())).collect()
            }
            _ => Vec::new(),
        };
        Self { attributes: Arc::clone(attributes), path, value, keys }
    }

    fn member(&self, key: &str) -> Option<Result<Box<dyn Val>, ExecutionError>> {
        let path = [self.path.as_slice(), &[key.to_owned()]].concat();
        let value = self.attributes.ask(&path).or_else(|| match &self.value {
            Some(Value::Map(entries)) => {
                entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
            }
            _ => None,
        })?;
        Some(to_cel(&self.attributes, path, value))
    }
}

fn to_cel(attributes: &Arc<Attributes>, path: Path, value: Value) -> Result<Box<dyn Val>, ExecutionError> {
    // A header value is a string, whatever its bytes.
    let of_headers = matches!(path.as_slice(), [_, map, _] if map == "headers" || map == "trailers");
    match value {
        Value::Bytes(bytes) if of_headers => {
            plain(Value::Str(String::from_utf8_lossy(&bytes).into_owned())).try_into()
        }
        Value::Map(_) | Value::Message(_) => Ok(Box::new(Group::new(attributes, path, Some(value)))),
        value => plain(value).try_into(),
    }
}

fn plain(value: Value) -> cel::Value {
    match value {
        Value::Str(text) => text.into(),
        Value::Bytes(bytes) | Value::Message(bytes) => bytes.into(),
        Value::Int(number) => number.into(),
        Value::UInt(number) => number.into(),
        Value::Double(number) => number.into(),
        Value::Bool(bit) => bit.into(),
        Value::Null => cel::Value::Null,
        Value::Timestamp(nanoseconds) => {
            cel::Value::Timestamp(chrono::DateTime::from_timestamp_nanos(nanoseconds).fixed_offset())
        }
        Value::Duration(nanoseconds) => cel::Value::Duration(chrono::Duration::nanoseconds(nanoseconds)),
        Value::List(elements) => elements.into_iter().map(plain).collect::<Vec<_>>().into(),
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key, plain(value)));
            entries.collect::<std::collections::HashMap<_, _>>().into()
        }
    }
}

/// Serialises a result. A map that an expression builds has no order on Envoy; here it is sorted by key.
pub fn from_cel(value: &dyn Val) -> Result<Vec<u8>, Status> {
    if let Some(group) = value.downcast_ref::<Group>() {
        return group.value.as_ref().ok_or(Status::SerializationFailure)?.serialize();
    }
    if holds_type(value) {
        return Err(Status::SerializationFailure);
    }
    serialize(&cel::Value::try_from(value).map_err(|_| Status::SerializationFailure)?)
}

/// Returns whether a value is a type, or a list that contains one; neither can be serialised.
fn holds_type(value: &dyn Val) -> bool {
    if value.downcast_ref::<CelType>().is_some() {
        return true;
    }
    let Some(mut elements) = value.downcast_ref::<CelList>().and_then(Val::as_iterable).map(Iterable::iter)
    else {
        return false;
    };
    std::iter::from_fn(|| elements.next().map(holds_type)).any(|holds| holds)
}

fn serialize(value: &cel::Value) -> Result<Vec<u8>, Status> {
    use cel::objects::Key;
    match value {
        cel::Value::String(text) => Ok(text.as_bytes().to_vec()),
        cel::Value::Bytes(bytes) => Ok(bytes.to_vec()),
        cel::Value::Int(number) => Value::Int(*number).serialize(),
        cel::Value::UInt(number) => Value::UInt(*number).serialize(),
        cel::Value::Float(number) => Value::Double(*number).serialize(),
        cel::Value::Bool(bit) => Value::Bool(*bit).serialize(),
        cel::Value::Timestamp(time) => {
            // Envoy clamps to the range of 64-bit nanoseconds.
            let end = if time.timestamp() < 0 { i64::MIN } else { i64::MAX };
            Value::Timestamp(time.timestamp_nanos_opt().unwrap_or(end)).serialize()
        }
        cel::Value::Duration(time) => {
            let end = if time.num_seconds() < 0 { i64::MIN } else { i64::MAX };
            Value::Duration(time.num_nanoseconds().unwrap_or(end)).serialize()
        }
        cel::Value::List(elements) => {
            let elements = elements.iter().map(|element| Ok((serialize(element)?, Vec::new())));
            Ok(pairs::encode_counted(&elements.collect::<Result<Vec<_>, _>>()?))
        }
        cel::Value::Map(map) => {
            let mut entries = Vec::new();
            for (key, value) in map.map.iter() {
                let key = match key {
                    Key::Int(number) => number.to_le_bytes().to_vec(),
                    Key::Uint(number) => number.to_le_bytes().to_vec(),
                    Key::Bool(bit) => vec![u8::from(*bit)],
                    Key::String(text) => text.as_bytes().to_vec(),
                };
                entries.push((key, serialize(value)?));
            }
            entries.sort();
            Ok(pairs::encode_counted(&entries))
        }
        _ => Err(Status::SerializationFailure),
    }
}

impl Val for Group {
    fn get_type(&self) -> &Type {
        Self::cel_type()
    }
    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }
    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }
    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }
    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| other.path == self.path)
    }
    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Group {}

impl Container for Group {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(key.downcast_ref::<CelString>().is_some_and(|key| self.member(key.inner()).is_some()))
    }
}

impl Indexer for Group {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let Some(key) = key.downcast_ref::<CelString>() else {
            return Err(ExecutionError::no_such_key("not a string"));
        };
        let key = key.inner();
        self.member(key).ok_or_else(|| ExecutionError::no_such_key(key))?.map(CowVal::Owned)
    }
    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

impl Iterable for Group {
    fn iter<'b, 'v>(&'b self) -> Box<dyn traits::Iterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Keys(self.keys.iter()))
    }
}

impl Sizer for Group {
    fn size(&self) -> CelInt {
        i64::try_from(self.keys.len()).unwrap_or(i64::MAX).into()
    }
}

struct Keys<'b>(std::slice::Iter<'b, CelString<'static>>);

impl<'b, 'v> traits::Iterator<'b, 'v> for Keys<'b> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|key| key as &(dyn Val + 'v))
    }
}
