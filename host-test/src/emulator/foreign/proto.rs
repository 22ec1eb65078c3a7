//! As much of protobuf as the arguments of foreign functions need.
//!
//! Five small messages do not pay for a code generator. What is read leniently here is what protobuf's own parser
//! reads leniently: unknown fields, and known ones of an unexpected wire type, are skipped; the last of several wins.

/// The bytes are not a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed;

/// The value of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Field<'a> {
    /// Integers, booleans and enums.
    Varint(u64),
    /// Strings, bytes and messages.
    Bytes(&'a [u8]),
    /// Fixed-width numbers and groups, which no foreign function takes.
    Other,
}

impl<'a> Field<'a> {
    /// The value of a `bytes` field.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The value of a `string` field, which fails the whole message when it is not UTF-8.
    pub fn text(self) -> Result<Option<&'a str>, Malformed> {
        self.bytes().map(|bytes| std::str::from_utf8(bytes).map_err(|_| Malformed)).transpose()
    }

    /// The value of an integer, boolean or enum field.
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Varint(number) => Some(number),
            _ => None,
        }
    }
}

/// The fields of a message, with their numbers, in order.
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

/// Groups in groups beyond this are malformed; protobuf's own limit.
const MAX_DEPTH: usize = 100;
/// The wire type that ends a group.
const END_GROUP: u64 = 4;

fn value(tag: u64, bytes: &[u8], depth: usize) -> Result<(Field<'_>, &[u8]), Malformed> {
    // A tag has 32 bits, of which 29 are the number of the field, which is not zero.
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

/// Skips what is in the group `number`, and its end.
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

/// Appends a `bytes` or `string` field, unless it is empty: proto3 leaves out what is the default.
pub fn put_bytes(message: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_varint(message, number << 3 | 2);
        put_varint(message, bytes.len() as u64);
        message.extend(bytes);
    }
}

/// Appends an integer, boolean or enum field, unless it is zero.
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
    fn refuses_what_is_cut_short_or_has_no_number() {
        for message in [&b"\x0a"[..], b"\x0a\x02x", b"\x08", b"\x08\xff", b"\x09\0", b"\x0d\0", b"\x00\x00"] {
            assert_eq!(fields(message), Err(Malformed), "{message:?}");
        }
    }

    #[test]
    fn refuses_groups_that_do_not_end_or_end_as_another() {
        assert_eq!(fields(b"\x23\x08\x01"), Err(Malformed));
        assert_eq!(fields(b"\x23\x2c"), Err(Malformed));
        assert_eq!(fields(b"\x24"), Err(Malformed), "an end without a start");
        assert_eq!(fields(&[0x23; 200]), Err(Malformed));
    }

    #[test]
    fn refuses_text_that_is_not_utf8_but_skips_other_wire_types() {
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
