//! Names of the policies in a `RateLimit` or `RateLimit-Policy` field of an upstream or of another filter.

/// Returns the names of the items of a list (RFC 9651 section 4.2.1), such as `"burst";q=100;w=60`. `None` if
/// the line is not such a list. `limit=10, remaining=9`, the form of older drafts, is a dictionary.
pub(super) fn names_of(line: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        let (name, after) = item(rest)?;
        names.push(name);
        let after = after.trim_ascii_start();
        rest = match after.split_first() {
            None => after,
            Some((b',', after)) => after.trim_ascii_start(),
            Some((b';', _)) => after_parameters(after)?,
            Some(_) => return None,
        };
    }
    Some(names)
}

/// Reads a string, a token or a number. Returns it and the rest.
fn item(text: &[u8]) -> Option<(String, &[u8])> {
    if let Some(quoted) = text.strip_prefix(b"\"") {
        let (name, rest) = string(quoted)?;
        return Some((String::from_utf8_lossy(&name).into_owned(), rest));
    }
    let is_end = |byte: &u8| b",; \t=\"".contains(byte);
    let end = text.iter().position(is_end).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    (!name.is_empty()).then(|| (String::from_utf8_lossy(name).into_owned(), rest))
}

/// Reads a string after its opening quote.
fn string(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut out = Vec::new();
    loop {
        match text {
            [b'"', rest @ ..] => return Some((out, rest)),
            [b'\\', byte, rest @ ..] => {
                out.push(*byte);
                text = rest;
            }
            [byte, rest @ ..] => {
                out.push(*byte);
                text = rest;
            }
            [] => return None,
        }
    }
}

/// Skips the parameters of an item, and the comma after them.
fn after_parameters(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        match text {
            [] => return Some(text),
            [b',', rest @ ..] => return Some(rest.trim_ascii_start()),
            [b'"', rest @ ..] => text = string(rest)?.1,
            [_, rest @ ..] => text = rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_names_of_a_list() {
        for (line, expected) in [
            ("", Some(vec![])),
            (r#""burst";q=100;w=60, "daily";q=5"#, Some(vec!["burst", "daily"])),
            (r#""a, \"b\"";q=1;pk=:Zm9v:;qu="x,y" ,c"#, Some(vec![r#"a, "b""#, "c"])),
            ("100;w=60", Some(vec!["100"])),
            ("limit=100, remaining=50, reset=4", None),
            (r#""open;q=1"#, None),
            (r#""a" "b""#, None),
            (",", None),
        ] {
            let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(names_of(line.as_bytes()), expected, "{line}");
        }
    }

    proptest! {
        /// Each list that a complete parser accepts is read alike.
        #[test]
        fn reads_what_a_parser_of_rfc_9651_reads(line in "[a1\";=,\\\\ ]{0,16}") {
            use sfv::{BareItem, List, ListEntry, Parser};
            let names = names_of(line.as_bytes());
            let Ok(list) = Parser::new(&line).parse::<List>() else { return Ok(()) };
            let items = list.iter().map(|entry| match entry {
                ListEntry::Item(item) => match &item.bare_item {
                    BareItem::String(text) => Some(text.as_str().to_owned()),
                    BareItem::Token(text) => Some(text.as_str().to_owned()),
                    BareItem::Integer(number) => Some(number.to_string()),
                    _ => None,
                },
                ListEntry::InnerList(_) => None,
            });
            if let Some(expected) = items.collect::<Option<Vec<_>>>() {
                prop_assert_eq!(names, Some(expected));
            }
        }
    }
}
