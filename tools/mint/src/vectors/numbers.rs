//! Arithmetic on big-endian numbers, for signatures that differ from a valid one by a multiple of the order.

/// Returns `a + b` with the length of `a`; `None` if it does not fit.
pub fn sum(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let mut carry = 0;
    let mut digits: Vec<u8> = columns(a, b)
        .map(|(a, b)| {
            let digit = u16::from(a) + u16::from(b) + carry;
            carry = digit >> 8;
            digit as u8
        })
        .collect();
    digits.reverse();
    (carry == 0).then_some(digits)
}

/// Returns `a - b` with the length of `a`, which must be at least `b`.
pub fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut digits: Vec<u8> = columns(a, b)
        .map(|(a, b)| {
            let digit = 256 + i16::from(a) - i16::from(b) - borrow;
            borrow = i16::from(digit < 256);
            digit as u8
        })
        .collect();
    digits.reverse();
    assert_eq!(borrow, 0, "the difference is negative");
    digits
}

/// Returns pairs of digits, starting at the last, as many as `a` has.
fn columns<'n>(a: &'n [u8], b: &'n [u8]) -> impl Iterator<Item = (u8, u8)> + 'n {
    a.iter().rev().copied().zip(b.iter().rev().copied().chain(std::iter::repeat(0)))
}

/// Decodes hexadecimal digits.
pub fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added_and_subtracted_with_carries() {
        assert_eq!(sum(&[0, 0xff, 0xff], &[1]), Some(vec![1, 0, 0]));
        assert_eq!(sum(&[0xff], &[1]), None);
        assert_eq!(difference(&[1, 0, 0], &[1]), [0, 0xff, 0xff]);
        assert_eq!(difference(&[1, 2, 3], &[1, 2, 3]), [0, 0, 0]);
        assert_eq!(unhex("00fF10"), [0, 255, 16]);
    }
}
