//! A list, read entry by entry into what it is looked up in: the text of a list of 100,000 is several megabytes, and a
//! tree of it would be several times that.

use super::index::{Index, Issuers};
use crate::config::Revocation;
use core::fmt;
use core::marker::PhantomData;
use core::mem::replace;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;

/// A list is not valid: what is wrong and where in its text, not what the text says.
#[derive(Debug)]
pub struct InvalidList(serde_json::Error);

impl fmt::Display for InvalidList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revocation list: {}", self.0)
    }
}

impl core::error::Error for InvalidList {}

/// What one source revokes.
#[derive(Debug, PartialEq)]
pub(super) struct Revoked {
    issuers: Issuers,
    /// By `jti`.
    tokens: Index<()>,
    /// By `sub`, with `issued_before`.
    subjects: Index<u64>,
}

impl Revoked {
    fn new(seed: [u8; 16]) -> Self {
        Self { issuers: Issuers::new(seed), tokens: Index::new(), subjects: Index::new() }
    }

    pub(super) fn of_config(config: &Revocation, seed: [u8; 16]) -> Self {
        let mut revoked = Self::new(seed);
        for token in &config.tokens {
            let issuer = revoked.issuers.number_or_new(&token.iss);
            // More than 4 GiB of configuration do not get here.
            let _ = revoked.tokens.push(issuer, &token.jti, ());
        }
        for subject in &config.subjects {
            let issuer = revoked.issuers.number_or_new(&subject.iss);
            let _ = revoked.subjects.push(issuer, &subject.sub, subject.issued_before);
        }
        revoked.finish(seed);
        revoked
    }

    /// Reads a list, without the tokens that expired before `expired_before` (seconds since 1970).
    pub(super) fn of_list(text: &[u8], expired_before: u64, seed: [u8; 16]) -> Result<Self, InvalidList> {
        let mut revoked = Self::new(seed);
        let mut json = serde_json::Deserializer::from_slice(text);
        let document = Document { revoked: &mut revoked, expired_before };
        json.deserialize_map(document).and_then(|()| json.end()).map_err(InvalidList)?;
        revoked.finish(seed);
        Ok(revoked)
    }

    fn finish(&mut self, seed: [u8; 16]) {
        self.tokens.finish(seed);
        self.subjects.finish(seed);
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len() + self.subjects.len()
    }

    pub(super) fn holds(&self, iss: &str, jti: Option<&str>, sub: Option<&str>, iat: Option<u64>) -> bool {
        let Some(issuer) = self.issuers.number(iss) else { return false };
        let by_id = jti.is_some_and(|jti| self.tokens.get(issuer, jti).next().is_some());
        let of_old = |issued_before: &u64| iat.is_none_or(|iat| iat < *issued_before);
        by_id || sub.is_some_and(|sub| self.subjects.get(issuer, sub).any(of_old))
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.tokens.bytes() + self.subjects.bytes()
    }
}

#[derive(Deserialize)]
struct Token<'t> {
    #[serde(borrow)]
    iss: Cow<'t, str>,
    #[serde(borrow)]
    jti: Cow<'t, str>,
    /// A NumericDate (RFC 7519 section 2): it may have a fraction.
    exp: Option<f64>,
}

#[derive(Deserialize)]
struct Subject<'t> {
    #[serde(borrow)]
    iss: Cow<'t, str>,
    #[serde(borrow)]
    sub: Cow<'t, str>,
    issued_before: u64,
}

struct Document<'r> {
    revoked: &'r mut Revoked,
    expired_before: u64,
}

impl<'t> Visitor<'t> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `tokens` and `subjects`")
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut members: A) -> Result<(), A::Error> {
        let (mut tokens, mut subjects) = (false, false);
        while let Some(name) = members.next_key::<Cow<'t, str>>()? {
            match &*name {
                "tokens" if replace(&mut tokens, true) => return Err(de::Error::duplicate_field("tokens")),
                "subjects" if replace(&mut subjects, true) => {
                    return Err(de::Error::duplicate_field("subjects"));
                }
                "tokens" => members.next_value_seed(Entries::new(|token| self.add_token(&token)))?,
                "subjects" => members.next_value_seed(Entries::new(|subject| self.add_subject(&subject)))?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        if tokens || subjects { Ok(()) } else { Err(de::Error::missing_field("tokens")) }
    }
}

impl Document<'_> {
    fn add_token(&mut self, token: &Token<'_>) -> Option<()> {
        if token.exp.is_some_and(|exp| exp < self.expired_before as f64) {
            return Some(());
        }
        let issuer = self.revoked.issuers.number_or_new(&token.iss);
        self.revoked.tokens.push(issuer, &token.jti, ())
    }

    fn add_subject(&mut self, subject: &Subject<'_>) -> Option<()> {
        let issuer = self.revoked.issuers.number_or_new(&subject.iss);
        self.revoked.subjects.push(issuer, &subject.sub, subject.issued_before)
    }
}

/// An array whose elements are handed on as they are read.
struct Entries<T, F> {
    add: F,
    of: PhantomData<fn(T)>,
}

impl<T, F: FnMut(T) -> Option<()>> Entries<T, F> {
    fn new(add: F) -> Self {
        Self { add, of: PhantomData }
    }
}

impl<'t, T: Deserialize<'t>, F: FnMut(T) -> Option<()>> DeserializeSeed<'t> for Entries<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'t, T: Deserialize<'t>, F: FnMut(T) -> Option<()>> Visitor<'t> for Entries<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'t>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(Object(element)) = elements.next_element()? {
            (self.add)(element).ok_or_else(|| de::Error::custom("too many entries"))?;
        }
        Ok(())
    }
}

/// What is an object in the text: serde's own code takes an array of the members' values for one.
struct Object<T>(T);

impl<'t, T: Deserialize<'t>> Deserialize<'t> for Object<T> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

struct Members<T>(PhantomData<fn() -> T>);

impl<'t, T: Deserialize<'t>> Visitor<'t> for Members<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}
