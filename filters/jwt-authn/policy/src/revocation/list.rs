//! Parser of revocation lists. Entries go into the index one by one: the text of a list of 100,000 entries
//! has several megabytes, and a JSON tree would take several times as much.

use super::index::{Index, Issuers};
use crate::config::Revocation;
use core::fmt;
use core::mem::replace;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;

/// Error of an invalid list: the problem and its position, without contents of the list.
#[derive(Debug)]
pub struct InvalidList(serde_json::Error);

impl fmt::Display for InvalidList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revocation list: {}", self.0)
    }
}

impl core::error::Error for InvalidList {}

/// Revocations of one source.
#[derive(Debug, PartialEq)]
pub(super) struct Revoked {
    issuers: Issuers,
    /// Tokens, by `jti`.
    tokens: Index<()>,
    /// Subjects, by `sub`, with their `issued_before`.
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
            // `push` fails only above 4 GiB, and no configuration is that large.
            let _ = revoked.tokens.push(issuer, &token.jti, ());
        }
        for subject in &config.subjects {
            let issuer = revoked.issuers.number_or_new(&subject.iss);
            let _ = revoked.subjects.push(issuer, &subject.sub, subject.issued_before);
        }
        revoked.finish(seed);
        revoked
    }

    /// Parses a list. Skips tokens that expired before `expired_before` (seconds since 1970).
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

/// An entry of either list: its issuer, its `jti` or `sub`, and its `exp` or `issued_before`.
struct Entry<'t> {
    iss: Cow<'t, str>,
    name: Cow<'t, str>,
    time: Time,
}

#[derive(Clone, Copy)]
enum Time {
    /// A NumericDate (RFC 7519 section 2): it may have a fraction.
    Expires(Option<f64>),
    IssuedBefore(u64),
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
        while let Some(Text(name)) = members.next_key::<Text<'t>>()? {
            match &*name {
                "tokens" if replace(&mut tokens, true) => return Err(de::Error::duplicate_field("tokens")),
                "subjects" if replace(&mut subjects, true) => {
                    return Err(de::Error::duplicate_field("subjects"));
                }
                "tokens" => members.next_value_seed(Entries { of: &TOKENS, to: &mut self })?,
                "subjects" => members.next_value_seed(Entries { of: &SUBJECTS, to: &mut self })?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        if tokens || subjects { Ok(()) } else { Err(de::Error::missing_field("tokens")) }
    }
}

impl Document<'_> {
    fn add(&mut self, entry: &Entry<'_>) -> Option<()> {
        if matches!(entry.time, Time::Expires(Some(exp)) if exp < self.expired_before as f64) {
            return Some(());
        }
        let issuer = self.revoked.issuers.number_or_new(&entry.iss);
        match entry.time {
            Time::Expires(_) => self.revoked.tokens.push(issuer, &entry.name, ()),
            Time::IssuedBefore(time) => self.revoked.subjects.push(issuer, &entry.name, time),
        }
    }
}

/// Names of the members of an entry.
struct Names {
    name: &'static str,
    time: &'static str,
    of_subjects: bool,
}

const TOKENS: Names = Names { name: "jti", time: "exp", of_subjects: false };
const SUBJECTS: Names = Names { name: "sub", time: "issued_before", of_subjects: true };

/// Adds the elements of an array as they are parsed.
struct Entries<'e, 'r> {
    of: &'static Names,
    to: &'e mut Document<'r>,
}

impl<'t> DeserializeSeed<'t> for Entries<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'t> Visitor<'t> for Entries<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(entry) = elements.next_element_seed(Members(self.of))? {
            self.to.add(&entry).ok_or_else(|| de::Error::custom("too many entries"))?;
        }
        Ok(())
    }
}

/// Parses one entry. Serde's derived code is not used, because it also accepts an array of the values, and
/// exists once per kind of entry.
struct Members(&'static Names);

impl<'t> DeserializeSeed<'t> for Members {
    type Value = Entry<'t>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Entry<'t>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'t> Visitor<'t> for Members {
    type Value = Entry<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<Entry<'t>, A::Error> {
        let Names { name: of_name, time: of_time, of_subjects } = *self.0;
        let (mut iss, mut name, mut time) = (None, None, None);
        while let Some(Text(member)) = members.next_key()? {
            let text = match &*member {
                "iss" => Some(("iss", &mut iss)),
                member if member == of_name => Some((of_name, &mut name)),
                _ => None,
            };
            if let Some((member, text)) = text {
                let Text(value) = members.next_value()?;
                if text.replace(value).is_some() {
                    return Err(de::Error::duplicate_field(member));
                }
            } else if member != of_time {
                members.next_value::<IgnoredAny>()?;
            } else {
                let value = match of_subjects {
                    true => Time::IssuedBefore(members.next_value()?),
                    false => Time::Expires(members.next_value()?),
                };
                if time.replace(value).is_some() {
                    return Err(de::Error::duplicate_field(of_time));
                }
            }
        }
        Ok(Entry {
            iss: iss.ok_or_else(|| de::Error::missing_field("iss"))?,
            name: name.ok_or_else(|| de::Error::missing_field(of_name))?,
            time: match time {
                None if of_subjects => return Err(de::Error::missing_field(of_time)),
                None => Time::Expires(None),
                Some(time) => time,
            },
        })
    }
}

/// A text that borrows from the input where possible. (Serde never borrows a plain `Cow`.)
struct Text<'t>(Cow<'t, str>);

impl<'t> Deserialize<'t> for Text<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;

        impl<'t> Visitor<'t> for Borrowed {
            type Value = Text<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Text<'t>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'t>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrowed)
    }
}
