//! A simple implementation for tests. It replaces texts in every combination of the options.

use super::{InvalidEscapes, MAX_READINGS, Notation, PathNormalization};
use std::collections::BTreeSet;

type Step = fn(&str) -> String;

/// Returns all readings, or `None` if the path is rejected.
pub(super) fn readings(options: &PathNormalization, path: &str) -> Option<BTreeSet<Vec<u8>>> {
    let path = latin1(path);
    if path.split('%').skip(1).any(|part| !is_escape(part))
        && options.invalid_escapes == InvalidEscapes::Reject
    {
        return None;
    }
    let mut levels = vec![unreserved(&path)];
    while options.percent_encoding != Notation::Keep
        && let Some(last) = levels.last()
        && let next = decode(last, |code| !is_separator(code))
        && next != *last
    {
        levels.push(next);
    }
    if levels.iter().any(|text| text.contains("%00") || text.contains('\0')) || levels.len() > 3 {
        return None;
    }
    let mut ambiguous = levels.len() > 2;
    match options.percent_encoding {
        Notation::Reject if levels.len() > 1 => return None,
        Notation::Normalize => {
            levels = vec![levels.pop().unwrap()];
            ambiguous = false;
        }
        _ => {}
    }
    let reads = |notation| matches!(notation, Notation::Both | Notation::Normalize);
    if reads(options.path_parameters)
        && (reads(options.escaped_slashes) || reads(options.backslashes))
        && levels.iter().any(|text| text.split('/').any(has_separator_in_parameter))
    {
        return None;
    }
    let mut texts: BTreeSet<String> = levels.into_iter().collect();
    let steps = [
        (unescape as Step, options.escaped_slashes),
        (|text| text.replace('\\', "/"), options.backslashes),
        (strip, options.path_parameters),
        (merge, options.duplicate_slashes),
        (resolve, options.dot_segments),
    ];
    for (index, (step, notation)) in steps.into_iter().enumerate() {
        let has_parent = || texts.iter().any(|text| text.split('/').any(|segment| segment == ".."));
        if index == 4 && ambiguous && reads(notation) && has_parent() {
            return None;
        }
        let mut after = BTreeSet::new();
        for text in &texts {
            let changed = step(text);
            match notation {
                Notation::Reject if changed != *text => return None,
                Notation::Both => {
                    ambiguous |= changed != *text;
                    after.extend([text.clone(), changed]);
                }
                Notation::Normalize => drop(after.insert(changed)),
                Notation::Keep | Notation::Reject => drop(after.insert(text.clone())),
            }
        }
        texts = after;
        if texts.len() > MAX_READINGS {
            return None;
        }
    }
    Some(texts.iter().map(|text| bytes(text)).collect())
}

/// Returns how an upstream reads a path that takes these steps, one after another.
pub(super) fn upstream(path: &str, steps: &[usize]) -> Vec<u8> {
    let mut text = unreserved(&latin1(path));
    let mut decoded = 0;
    for step in steps {
        text = match step {
            0 => unescape(&text),
            1 => text.replace('\\', "/"),
            2 => strip(&text),
            3 => merge(&text),
            4 => resolve(&text),
            _ if decoded == 2 => text,
            5 => decode(&text, |code| !is_separator(code)),
            _ => decode(&text, |_| true),
        };
        decoded += usize::from(*step > 4);
    }
    bytes(&text)
}

/// Writes each byte as one character.
fn latin1(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).unwrap()).collect()
}

fn is_separator(code: u8) -> bool {
    code == b'/' || code == b'\\'
}

fn is_escape(part: &str) -> bool {
    part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit())
}

fn decode(text: &str, chosen: impl Fn(u8) -> bool) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = match part.split_at_checked(2) {
            Some((digits, rest)) if is_escape(part) => (u8::from_str_radix(digits, 16).ok(), rest),
            _ => (None, part),
        };
        match code {
            Some(code) if chosen(code) => out.push(char::from(code)),
            Some(code) => out += &format!("%{code:02X}"),
            None => out.push('%'),
        }
        out += rest;
    }
    out
}

fn unreserved(text: &str) -> String {
    let mut parts = text.split('%');
    let mut fixed = parts.next().unwrap().to_owned();
    for part in parts {
        fixed += if is_escape(part) { "%" } else { "%25" };
        fixed += part;
    }
    decode(&fixed, |code| code.is_ascii_alphanumeric() || "-._~".contains(char::from(code)))
}

fn unescape(text: &str) -> String {
    let text = text.replace("%2F", "/").replace("%2f", "/");
    text.replace("%5C", "\\").replace("%5c", "\\")
}

fn strip(text: &str) -> String {
    let names: Vec<&str> = text.split('/').map(|segment| segment.split(';').next().unwrap()).collect();
    names.join("/")
}

fn has_separator_in_parameter(segment: &str) -> bool {
    let parameters = segment.split_once(';').map_or("", |(_, rest)| rest).to_ascii_uppercase();
    ["\\", "%2F", "%5C"].iter().any(|separator| parameters.contains(separator))
}

fn merge(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains("//") {
        text = text.replace("//", "/");
    }
    text
}

fn resolve(text: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let segments: Vec<&str> = text.split('/').skip(1).collect();
    for (index, segment) in segments.iter().enumerate() {
        match *segment {
            "." => {}
            ".." => drop(out.pop()),
            other => out.push(other),
        }
        if index + 1 == segments.len() && [".", ".."].contains(segment) {
            out.push("");
        }
    }
    format!("/{}", out.join("/"))
}
