//! Literals: numbers, escape sequences of strings, and base64.

/// Returns the length of the decimal number at the beginning of a text, or 0.
pub(crate) fn number_length(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = |from: usize| text.get(from..).unwrap_or_default();
    let mut length = digits(text);
    if let Some(decimals) = rest(length).strip_prefix('.').map(digits).filter(|count| *count > 0) {
        length += 1 + decimals;
    }
    if length == 0 {
        return 0;
    }
    if let Some(exponent) = rest(length).strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let count = digits(exponent.get(sign..).unwrap_or_default());
        if count > 0 {
            length += 1 + sign + count;
        }
    }
    length
}

/// Parses a decimal number without a sign. Uses the parser of JSON: it is part of each filter, unlike that of
/// `core`, and a claim and a literal with the same digits are then the same number.
#[inline(never)]
pub(crate) fn double(text: &str) -> Option<f64> {
    if text.is_empty() || number_length(text) != text.len() {
        return None;
    }
    // JSON has neither leading zeros nor a number that begins with a point.
    let text = text.trim_start_matches('0');
    let zero = if text.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "0" };
    let number: serde_json::Number = [zero, text].concat().parse().ok()?;
    number.as_f64().filter(|number| number.is_finite())
}

/// Parses a number with a sign, or a name of a special one.
#[inline(never)]
pub(crate) fn signed_double(text: &str) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits {
        "NaN" | "nan" => f64::NAN,
        "Infinity" | "infinity" | "Inf" | "inf" => f64::INFINITY,
        _ => double(digits)?,
    };
    Some(if negative { -value } else { value })
}

/// Formats a number with the fewest digits that are read as the same number.
#[inline(never)]
pub(crate) fn format_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    match serde_json::Number::from_f64(value) {
        Some(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").map(Into::into).unwrap_or(text)
        }
        None => (if value > 0.0 { "Infinity" } else { "-Infinity" }).into(),
    }
}

/// Appends the value of the escape sequence at the beginning of a text, and returns its length. In bytes,
/// `\x` and octal digits denote a byte, in a text a character.
pub(crate) fn unescape(text: &str, bytes: bool, out: &mut Vec<u8>) -> Option<usize> {
    let letter = text.as_bytes().get(1)?;
    let plain = match letter {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' | b'?' | b'"' | b'\'' | b'`' => *letter,
        _ => 0,
    };
    if plain != 0 {
        out.push(plain);
        return Some(2);
    }
    let (from, count, radix) = match letter {
        b'x' | b'X' => (2, 2, 16),
        b'0'..=b'3' => (1, 3, 8),
        b'u' if !bytes => (2, 4, 16),
        b'U' if !bytes => (2, 8, 16),
        _ => return None,
    };
    let digits = text.get(from..from + count)?;
    // `from_str_radix` accepts a sign.
    let valid = digits.bytes().all(|digit| char::from(digit).is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| valid)?;
    if bytes {
        out.push(u8::try_from(code).ok()?);
    } else {
        let mut buffer = [0; 4];
        out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut buffer).as_bytes());
    }
    Some(from + count)
}

/// Decodes base64, in the alphabet of URLs or the other one.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for byte in digits.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    // The rest must be padding: fewer than six bits, all of them zero.
    (count < 6 && bits & ((1 << count) - 1) == 0 && text.len() - digits.len() <= 2).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_decimal_numbers() {
        for (text, value) in
            [("1.5", 1.5), (".5", 0.5), ("007.25", 7.25), ("1e3", 1000.0), ("0e0", 0.0), ("0", 0.0)]
        {
            assert_eq!(double(text), Some(value), "{text}");
        }
        for text in ["", ".", "1.", "e5", "1e", "1e999", "+1", "-1", "1 ", "0x1", "1.5.5"] {
            assert_eq!(double(text), None, "{text}");
        }
        assert_eq!(signed_double("-.5"), Some(-0.5));
        assert_eq!(signed_double("-inf"), Some(f64::NEG_INFINITY));
        assert!(signed_double("NaN").is_some_and(f64::is_nan));
        assert_eq!(signed_double("--1"), None);
    }

    #[test]
    fn formats_numbers() {
        for (value, text) in [(1.0, "1"), (-1.5, "-1.5"), (f64::NAN, "NaN"), (f64::NEG_INFINITY, "-Infinity")]
        {
            assert_eq!(format_double(value), text);
        }
        assert_eq!(signed_double(&format_double(6.022_14e23)), Some(6.022_14e23));
    }

    #[test]
    fn decodes_base64() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("YQ==", b"a"),
            ("YQ", b"a"),
            ("YWI=", b"ab"),
            ("YWJj", b"abc"),
            ("-_8", b"\xfb\xff"),
        ] {
            assert_eq!(base64(text).as_deref(), Some(bytes), "{text}");
        }
        for text in ["Y", "YR==", "Y Q", "YQ===", "YQ=a"] {
            assert_eq!(base64(text), None, "{text}");
        }
    }
}
