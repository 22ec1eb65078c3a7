//! Validates and generates request ids.

use crate::config::{RequestId, UuidFormat};
use tollgate_policy::{Headers, UnixNanos};

/// The id of a request as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inbound<'a> {
    Absent,
    Valid(&'a [u8]),
    Invalid,
}

/// Reads the id of a request. Two ids are invalid even if they are equal, because the next hop may read
/// either.
pub(crate) fn inbound<'a>(config: &RequestId, headers: Headers<'a>) -> Inbound<'a> {
    let mut values = headers.all(config.header.name().as_ref());
    match (values.next(), values.next()) {
        (None, _) => Inbound::Absent,
        (Some(value), None) if is_valid(value, config.max_length) => Inbound::Valid(value),
        _ => Inbound::Invalid,
    }
}

/// Returns whether an id is safe to use. Ids end up in log lines, URLs and shell commands, so they may have
/// only letters, digits and a few punctuation marks. All common formats meet this: UUIDs, ULIDs, numbers,
/// base64 and W3C trace ids.
fn is_valid(value: &[u8], max_length: u16) -> bool {
    !value.is_empty()
        && value.len() <= usize::from(max_length)
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/=@~".contains(byte))
}

/// Generates a UUID of 36 characters (RFC 9562), in lower case like Envoy's.
pub(crate) fn generate(format: UuidFormat, random: [u8; 16], now: UnixNanos) -> [u8; 36] {
    let mut bits = u128::from_be_bytes(random);
    let version = match format {
        UuidFormat::UuidV4 => 4,
        UuidFormat::UuidV7 => {
            bits = (bits & (u128::MAX >> 48)) | (u128::from(now.as_millis()) << 80);
            7
        }
    };
    bits = (bits & !(0xf << 76)) | (version << 76);
    bits = (bits & !(0b11 << 62)) | (0b10 << 62);
    let mut out = [b'-'; 36];
    let digits = (0..32).rev().map(|place| crate::trace::hex_digit((bits >> (place * 4)) as u8));
    let places = out.iter_mut().enumerate().filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23));
    for ((_, place), digit) in places.zip(digits) {
        *place = digit;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn look<'a>(pairs: &'a [(&'a [u8], &'a [u8])]) -> Inbound<'a> {
        inbound(&tollgate_policy::config::parse(r#"{"max_length": 40}"#).unwrap(), Headers(pairs))
    }

    #[test]
    fn keeps_ids_in_all_common_formats() {
        for id in [
            "0",
            "d4ed5bd0-8cf9-4f9a-8ae4-3aab8ea08e35",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "a+b/c==",
            "1:2.3_4~5@6",
        ] {
            assert_eq!(look(&[(b"x-request-id", id.as_bytes())]), Inbound::Valid(id.as_bytes()));
        }
    }

    #[test]
    fn rejects_long_empty_and_unsafe_ids() {
        let long = [b'a'; 41];
        for id in
            [&b""[..], &long, b"a b", b"a\nb", b"\xff", b"${jndi:x}", b"a,b", b"<b>", b"a;b", b"\"", b"a'b"]
        {
            assert_eq!(look(&[(b"x-request-id", id)]), Inbound::Invalid, "{}", id.escape_ascii());
        }
        assert!(matches!(look(&[(b"x-request-id", &long[..40])]), Inbound::Valid(_)));
    }

    #[test]
    fn rejects_two_ids() {
        assert_eq!(look(&[(b"x-request-id", b"a"), (b"x-request-id", b"a")]), Inbound::Invalid);
        assert_eq!(look(&[(b"x-other", b"a")]), Inbound::Absent);
    }

    // RFC 9562 appendix A.3 and A.6.
    #[test]
    fn agrees_with_the_examples_of_rfc_9562() {
        let v4 =
            generate(UuidFormat::UuidV4, 0x919108f752d133205bacf847db4148a8u128.to_be_bytes(), UnixNanos(0));
        assert_eq!(&v4, b"919108f7-52d1-4320-9bac-f847db4148a8");
        let random = 0x0000_0000_0000_0cc3_18c4_dc0c_0c07_398fu128.to_be_bytes();
        let v7 = generate(UuidFormat::UuidV7, random, UnixNanos(1_645_557_742_000_999_999));
        assert_eq!(&v7, b"017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    }

    proptest! {
        #[test]
        fn generated_ids_are_valid(random: [u8; 16], now: u64, seven: bool) {
            let format = if seven { UuidFormat::UuidV7 } else { UuidFormat::UuidV4 };
            let id = generate(format, random, UnixNanos(now));
            prop_assert!(is_valid(&id, 36));
            prop_assert_eq!(id[14], if seven { b'7' } else { b'4' });
            prop_assert!(b"89ab".contains(&id[19]));
        }

        #[test]
        fn later_ids_of_version_7_sort_later(a: [u8; 16], b: [u8; 16], now: u32, more in 1u32..) {
            let at = |millis: u64| UnixNanos(millis * 1_000_000);
            let first = generate(UuidFormat::UuidV7, a, at(now.into()));
            prop_assert!(first < generate(UuidFormat::UuidV7, b, at(u64::from(now) + u64::from(more))));
        }
    }
}
