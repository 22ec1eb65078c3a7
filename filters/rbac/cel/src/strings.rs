//! Functions of texts. Positions count characters.

use crate::Value;
use crate::error::Failure;
use crate::functions::Function;
use crate::meter::{ALLOCATION, Meter};
use std::rc::Rc;

impl Meter {
    /// Calls a function of a text.
    #[inline(never)]
    pub(crate) fn string_function(
        &mut self,
        function: Function,
        text: &Rc<[u8]>,
        others: &[Value],
    ) -> Result<Value, Failure> {
        use Function as F;
        match (function, others) {
            (F::Contains, [Value::String(part)]) => {
                Ok(Value::Bool(part.is_empty() || self.find(text, part, 0)?.is_some()))
            }
            (F::StartsWith, [Value::String(start)]) => {
                self.bytes(start.len())?;
                Ok(Value::Bool(text.starts_with(start)))
            }
            (F::EndsWith, [Value::String(end)]) => {
                self.bytes(end.len())?;
                Ok(Value::Bool(text.ends_with(end)))
            }
            (F::LowerAscii, []) => {
                self.bytes(text.len())?;
                Ok(Value::String(text.to_ascii_lowercase().into()))
            }
            (F::UpperAscii, []) => {
                self.bytes(text.len())?;
                Ok(Value::String(text.to_ascii_uppercase().into()))
            }
            (F::Trim, []) => {
                let trimmed = self.text(text)?.trim();
                self.bytes(trimmed.len())?;
                Ok(trimmed.into())
            }
            (F::CharAt, [Value::Int(index)]) => {
                let text = self.characters(text)?;
                let rest = text.get(offset(text, *index)?..).unwrap_or_default();
                let length = rest.chars().next().map_or(0, char::len_utf8);
                Ok(rest.get(..length).unwrap_or_default().into())
            }
            (F::Substring, [Value::Int(start)]) => self.substring(text, *start, None),
            (F::Substring, [Value::Int(start), Value::Int(end)]) => self.substring(text, *start, Some(*end)),
            (F::Replace, [Value::String(old), Value::String(new)]) => self.replace(text, old, new, -1),
            (F::Replace, [Value::String(old), Value::String(new), Value::Int(limit)]) => {
                self.replace(text, old, new, *limit)
            }
            (F::Split, [Value::String(separator)]) => self.split(text, separator, -1),
            (F::Split, [Value::String(separator), Value::Int(limit)]) => self.split(text, separator, *limit),
            (F::IndexOf, [Value::String(part)]) => self.index_of(text, part, 0),
            (F::IndexOf, [Value::String(part), Value::Int(from)]) => self.index_of(text, part, *from),
            (F::LastIndexOf, [Value::String(part)]) => self.last_index_of(text, part, None),
            (F::LastIndexOf, [Value::String(part), Value::Int(to)]) => {
                self.last_index_of(text, part, Some(*to))
            }
            _ => Err(Failure::NO_SUCH_OVERLOAD),
        }
    }

    pub(crate) fn concatenate(&mut self, a: &[u8], b: &[u8]) -> Result<Rc<[u8]>, Failure> {
        self.bytes(a.len() + b.len())?;
        Ok([a, b].concat().into())
    }

    fn substring(&mut self, text: &[u8], start: i64, end: Option<i64>) -> Result<Value, Failure> {
        let text = self.characters(text)?;
        let end = end.map_or(Ok(text.len()), |end| offset(text, end))?;
        let part = text.get(offset(text, start)?..end).ok_or(Failure::OUT_OF_RANGE)?;
        self.bytes(part.len())?;
        Ok(part.into())
    }

    fn index_of(&mut self, text: &[u8], part: &[u8], from: i64) -> Result<Value, Failure> {
        let text = self.characters(text)?;
        if from < 0 {
            return Err(Failure::OUT_OF_RANGE);
        }
        if part.is_empty() {
            return Ok(Value::Int(from));
        }
        // A position after the end finds nothing.
        let Ok(from) = offset(text, from) else { return Ok(Value::Int(-1)) };
        let found = self.find(text.as_bytes(), part, from)?;
        Ok(Value::Int(found.map_or(-1, |found| characters_before(text, found))))
    }

    fn last_index_of(&mut self, text: &[u8], part: &[u8], to: Option<i64>) -> Result<Value, Failure> {
        let text = self.characters(text)?;
        if to.is_some_and(|to| to < 0) {
            return Err(Failure::OUT_OF_RANGE);
        }
        if part.is_empty() {
            return Ok(Value::Int(to.unwrap_or_else(|| characters_before(text, text.len()))));
        }
        let to = match to {
            None => text.len(),
            // A position after the last character finds nothing.
            Some(to) => match offset(text, to) {
                Ok(to) if to < text.len() => to,
                _ => return Ok(Value::Int(-1)),
            },
        };
        let found = self.find_last(text.as_bytes(), part, to)?;
        Ok(Value::Int(found.map_or(-1, |found| characters_before(text, found))))
    }

    /// Replaces the first occurrences of a text: all, if `limit` is negative.
    fn replace(&mut self, text: &[u8], old: &[u8], new: &[u8], limit: i64) -> Result<Value, Failure> {
        let mut out = Vec::new();
        let mut left = u64::try_from(limit).unwrap_or(u64::MAX);
        let mut from = 0;
        if old.is_empty() {
            // Before each character, and at the end.
            let text = self.characters(text)?;
            let ends = text.char_indices().map(|(start, c)| start + c.len_utf8());
            for end in ends.chain([usize::MAX]) {
                if left != 0 {
                    self.bytes(new.len())?;
                    out.extend_from_slice(new);
                    left -= 1;
                }
                let part = text.as_bytes().get(from..end.min(text.len())).unwrap_or_default();
                self.bytes(part.len())?;
                out.extend_from_slice(part);
                from = end;
            }
            return Ok(Value::String(out.into()));
        }
        while left != 0 {
            let Some(found) = self.find(text, old, from)? else { break };
            let part = text.get(from..found).unwrap_or_default();
            self.bytes(part.len() + new.len())?;
            out.extend_from_slice(part);
            out.extend_from_slice(new);
            from = found + old.len();
            left -= 1;
        }
        let rest = text.get(from..).unwrap_or_default();
        self.bytes(rest.len())?;
        out.extend_from_slice(rest);
        Ok(Value::String(out.into()))
    }

    /// Splits a text into at most `limit` parts; into all, if `limit` is negative. An empty separator splits
    /// into characters.
    fn split(&mut self, text: &[u8], separator: &[u8], limit: i64) -> Result<Value, Failure> {
        let mut parts = Vec::new();
        if limit == 0 {
            return Ok(Value::from_list(parts));
        }
        let mut left = u64::try_from(limit).unwrap_or(u64::MAX);
        let mut rest = text;
        if separator.is_empty() {
            self.characters(text)?;
        }
        while left != 1 {
            let (part, skipped) = if separator.is_empty() {
                match character_length(rest) {
                    0 => return Ok(Value::from_list(parts)),
                    length if length == rest.len() => break,
                    length => (length, 0),
                }
            } else {
                let Some(found) = self.find(rest, separator, 0)? else { break };
                (found, separator.len())
            };
            let text = rest.get(..part).unwrap_or_default();
            self.spend(ALLOCATION)?;
            self.bytes(text.len())?;
            parts.push(Value::from_bytes(text));
            rest = rest.get(part + skipped..).unwrap_or_default();
            left -= 1;
        }
        self.bytes(rest.len())?;
        if !(rest.is_empty() && separator.is_empty()) {
            parts.push(Value::from_bytes(rest));
        }
        Ok(Value::from_list(parts))
    }

    /// Joins texts with a separator between them.
    #[inline(never)]
    pub(crate) fn join(&mut self, list: &[Value], separator: &[Value]) -> Result<Value, Failure> {
        let separator: &[u8] = match separator {
            [] => &[],
            [Value::String(separator)] => separator,
            _ => return Err(Failure::NO_SUCH_OVERLOAD),
        };
        let mut out = Vec::new();
        let mut before: &[u8] = &[];
        for element in list {
            let Value::String(text) = element else { return Err(Failure::NO_SUCH_OVERLOAD) };
            self.bytes(before.len() + text.len())?;
            out.extend_from_slice(before);
            out.extend_from_slice(text);
            before = separator;
        }
        Ok(Value::String(out.into()))
    }
}

/// Returns the position in bytes of a character, or of the end.
fn offset(text: &str, index: i64) -> Result<usize, Failure> {
    let index = usize::try_from(index).map_err(|_| Failure::OUT_OF_RANGE)?;
    let mut offsets = text.char_indices().map(|(offset, _)| offset).chain([text.len()]);
    offsets.nth(index).ok_or(Failure::OUT_OF_RANGE)
}

/// Returns the number of characters before a position in bytes.
fn characters_before(text: &str, offset: usize) -> i64 {
    let count = text.get(..offset).unwrap_or(text).chars().count();
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns the length of the first character of a text in UTF-8: 0 if the text is empty.
fn character_length(text: &[u8]) -> usize {
    let continues = |byte: &&u8| (**byte & 0xc0) == 0x80;
    text.first().map_or(0, |_| 1 + text.iter().skip(1).take_while(continues).count())
}
