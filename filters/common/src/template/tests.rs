use super::*;
use proptest::prelude::*;

fn resolve(source: &Source, out: &mut Vec<u8>) -> bool {
    let value: &[u8] = match source {
        Source::RequestHeader(name, alternative) => match (name.as_str(), alternative) {
            ("x-team", _) => b"payments",
            ("x-empty", _) => b"",
            ("x-padded", _) => b" a ",
            ("x-evil", _) => b"a\r\nset-cookie: b",
            ("x-bytes", _) => b"\xff\xfe",
            (_, Some(name)) if name.as_str() == "x-team" => b"payments",
            _ => return false,
        },
        Source::Variable(Variable::Method) => b"GET",
        _ => return false,
    };
    out.extend_from_slice(value);
    true
}

fn render(text: &str) -> Result<String, TemplateProblem> {
    let template: Template = text.parse().unwrap();
    template.render(resolve).map(|value| value.escape_ascii().to_string())
}

#[test]
fn renders_literals_and_references() {
    for (text, value) in [
        ("", ""),
        ("plain", "plain"),
        ("100%%", "100%"),
        ("%%REQ(x-team)%%", "%REQ(x-team)%"),
        ("%REQ(X-Team)%", "payments"),
        ("a-%REQ(x-team):3%-%METHOD%", "a-pay-GET"),
        ("%REQ(x-absent?x-team)%", "payments"),
        ("%REQ(:METHOD)%", "GET"),
        ("%METHOD:2%", "GE"),
        ("%REQ(x-team):100%", "payments"),
        ("[%REQ(x-empty)%]", "[]"),
        ("%REQ(x-padded)%", "a"),
        ("%REQ(x-bytes)%", "\\xff\\xfe"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(value), "{text}");
    }
}

#[test]
fn a_missing_reference_makes_the_value_missing() {
    for text in ["%REQ(x-absent)%", "team=%REQ(x-absent)%;", "%REQ(x-absent?x-gone)%", "%METHOD%%TRACE_ID%"] {
        assert_eq!(render(text), Err(TemplateProblem::Missing), "{text}");
    }
}

#[test]
fn rejects_a_value_that_would_split_the_header() {
    assert_eq!(render("%REQ(x-evil)%"), Err(TemplateProblem::InvalidValue));
}

#[test]
fn a_constant_is_borrowed() {
    let template: Template = "constant 100%%".parse().unwrap();
    assert!(matches!(template.render(resolve), Ok(Cow::Borrowed(b"constant 100%"))));
}

#[test]
fn an_error_names_the_place() {
    for (text, column, reason) in [
        ("a %", 3, "missing closing `%`"),
        ("ä%REQ(x-team)", 3, "missing closing `%`"),
        (
            "a %NOPE%",
            3,
            "unknown reference `%NOPE%`, expected one of `%REQ(name)%`, `%RESP(name)%`, `%METHOD%`,",
        ),
        ("%REQ(x-team%", 1, "missing closing parenthesis in `%REQ(x-team%`"),
        ("%REQ()%", 1, "`` is not a valid header name"),
        ("%REQ(a b)%", 1, "`a b` is not a valid header name"),
        ("%REQ(:scheme)%", 1, "`:scheme` is a pseudo-header"),
        ("%REQ(:path?x-a)%", 1, "`:path` is always present"),
        ("%REQ(x-a):0%", 1, "invalid length `0` in `%REQ(x-a):0%`"),
        ("%REQ(x-a):+1%", 1, "invalid length `+1` in"),
        ("%REQ(x-a)z%", 1, "unknown reference `%REQ(x-a)z%`"),
        ("%TRAILER(x-a)%", 1, "unknown reference `%TRAILER(x-a)%`"),
        ("a\r\nb", 2, "a header value must not contain control characters"),
        (" a", 1, "a header value must not begin or end with white space"),
    ] {
        let error = text.parse::<Template>().unwrap_err();
        assert_eq!(error.column, column, "{text}");
        assert!(error.reason.starts_with(reason), "{text}: {error}");
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn lists_its_references() {
    let template: Template = "a%REQ(x-a?x-b):4%%DURATION%".parse().unwrap();
    let references: Vec<_> = template.references().cloned().collect();
    let (a, b) = ("x-a".parse().unwrap(), "x-b".parse().unwrap());
    assert_eq!(
        references,
        [
            Reference { source: Source::RequestHeader(a, Some(b)), max_length: Some(4) },
            Reference { source: Source::Variable(Variable::Duration), max_length: None },
        ]
    );
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "[%REQ()?:a-z0-9 \\PC\r\n]{0,40}") {
        let _ = text.parse::<Template>();
    }

    #[test]
    fn renders_only_valid_values(
        text in "([a-z %%]|%REQ\\(x\\)%|%REQ\\(x\\):3%|\r|\n|\0){0,8}",
        value in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        let Ok(template) = text.parse::<Template>() else { return Ok(()) };
        let rendered = template.render(|_, out| {
            out.extend_from_slice(&value);
            true
        });
        if let Ok(rendered) = rendered {
            prop_assert!(is_valid_value(&rendered));
            prop_assert_eq!(rendered.trim_ascii().len(), rendered.len());
        }
    }

    #[test]
    fn renders_an_escaped_text_unchanged(text in "[ -~]{0,30}") {
        let text = text.trim_ascii();
        let template: Template = text.replace('%', "%%").parse().unwrap();
        prop_assert_eq!(&*template.render(|_, _| false).unwrap(), text.as_bytes());
    }
}
