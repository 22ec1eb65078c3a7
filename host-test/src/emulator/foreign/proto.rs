//! The part of protobuf that the arguments of foreign functions need.
//!
//! A code generator is not worthwhile for five small messages. This parser is lenient where protobuf's own
//! is: it skips unknown fields and known fields of an unexpected wire type, and the last of several values
//! wins.

/// The error for bytes that are not a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed;

/// The value of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Field<'a> {
    /// An integer, boolean or enum.
    Varint(u64),
    /// A string, byte string or message.
    Bytes(&'a [u8]),
    /// A fixed-width number or group, which foreign functions do not use.
    Other,
}

impl<'a> Field<'a> {
    /// Returns the value of a `bytes` field.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the value of a `string` field. Invalid UTF-8 makes the whole message malformed.
    pub fn text(self) -> Result<Option<&'a str>, Malformed> {
        self.bytes().map(|bytes| std::str::from_utf8(bytes).map_err(|_| Malformed)).transpose()
    }

    /// Returns the value of an integer, boolean or enum field.
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Varint(number) => Some(number),
            _ => None,
        }
    }
}

/// Returns the fields of a message and their numbers, in order.
pub fn fields(mut message: &[u8]) -> Result<Vec<(u64, Field<'_>)>, Malformed> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (tag, rest) = varint(message)?;
        let (field, rest) = value(tag, rest, 0)?;
        fields.push((tag >> 3, field));
        message = rest;
    }
    Ok(fields)
}

/// Limit on nested groups, as in protobuf.
const MAX_DEPTH: usize = 100;
/// The wire type that ends a group.
const END_GROUP: u64 = 4;

fn value(tag: u64, bytes: &[u8], depth: usize) -> Result<(Field<'_>, &[u8]), Malformed> {
    // A tag has 32 bits; 29 of them are the field number, which is not zero.
    if tag >> 3 == 0 || tag > u64::from(u32::MAX) || depth > MAX_DEPTH {
        return Err(Malformed);
    }
    match tag & 7 {
        0 => varint(bytes).map(|(number, rest)| (Field::Varint(number), rest)),
        1 => bytes.split_at_checked(8).map(|(_, rest)| (Field::Other, rest)).ok_or(Malformed),
        2 => {
            let (length, rest) = varint(bytes)?;
            let length = usize::try_from(length).map_err(|_| Malformed)?;
            rest.split_at_checked(length).map(|(text, rest)| (Field::Bytes(text), rest)).ok_or(Malformed)
        }
        3 => group(tag >> 3, bytes, depth).map(|rest| (Field::Other, rest)),
        5 => bytes.split_at_checked(4).map(|(_, rest)| (Field::Other, rest)).ok_or(Malformed),
        _ => Err(Malformed),
    }
}

/// Skips the contents and the end of the group `number`.
fn group(number: u64, mut bytes: &[u8], depth: usize) -> Result<&[u8], Malformed> {
    loop {
        let (tag, rest) = varint(bytes)?;
        if tag == number << 3 | END_GROUP {
            return Ok(rest);
        }
        bytes = value(tag, rest, depth + 1)?.1;
    }
}

fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let mut number = 0;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((number, &bytes[index + 1..]));
        }
    }
    Err(Malformed)
}

/// Appends a `bytes` or `string` field. Omits an empty value, as proto3 does.
pub fn put_bytes(message: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_varint(message, number << 3 | 2);
        put_varint(message, bytes.len() as u64);
        message.extend(bytes);
    }
}

/// Appends an integer, boolean or enum field. Omits zero.
pub fn put_number(message: &mut Vec<u8>, number: u64, value: u64) {
    if value != 0 {
        put_varint(message, number << 3);
        put_varint(message, value);
    }
}

fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_each_wire_type() {
        let message = b"\x08\x96\x01\x11\0\0\0\0\0\0\0\0\x1a\x02hi\x23\x08\x01\x24\x2d\0\0\0\0";
        let expected = vec![
            (1, Field::Varint(150)),
            (2, Field::Other),
            (3, Field::Bytes(b"hi")),
            (4, Field::Other),
            (5, Field::Other),
        ];
        assert_eq!(fields(message), Ok(expected));
    }

    #[test]
    fn rejects_truncated_messages_and_field_number_zero() {
        for message in [&b"\x0a"[..], b"\x0a\x02x", b"\x08", b"\x08\xff", b"\x09\0", b"\x0d\0", b"\x00\x00"] {
            assert_eq!(fields(message), Err(Malformed), "{message:?}");
        }
    }

    #[test]
    fn rejects_groups_that_end_wrongly_or_not_at_all() {
        assert_eq!(fields(b"\x23\x08\x01"), Err(Malformed));
        assert_eq!(fields(b"\x23\x2c"), Err(Malformed));
        assert_eq!(fields(b"\x24"), Err(Malformed), "an end without a start");
        assert_eq!(fields(&[0x23; 200]), Err(Malformed));
    }

    #[test]
    fn rejects_invalid_utf8_but_skips_other_wire_types() {
        assert_eq!(Field::Bytes(b"\xff").text(), Err(Malformed));
        assert_eq!(Field::Varint(1).text(), Ok(None));
        assert_eq!(Field::Bytes(b"x").number(), None);
    }

    proptest! {
        #[test]
        fn survives_any_bytes(bytes: Vec<u8>) {
            let _ = fields(&bytes);
        }

        #[test]
        fn reads_what_it_wrote(number in 1u64..1000, value in 1u64.., bytes in prop::collection::vec(any::<u8>(), 1..300)) {
            let mut message = Vec::new();
            put_number(&mut message, number, value);
            put_bytes(&mut message, number, &bytes);
            put_number(&mut message, number, 0);
            prop_assert_eq!(fields(&message), Ok(vec![(number, Field::Varint(value)), (number, Field::Bytes(&bytes))]));
        }
    }
}
