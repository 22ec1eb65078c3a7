use super::*;
use crate::paths::reference;
use proptest::prelude::*;
use std::collections::BTreeSet;

const ALL: [Notation; 4] = [Notation::Both, Notation::Normalize, Notation::Keep, Notation::Reject];

/// Options that are all alike.
fn all(notation: Notation) -> PathNormalization {
    PathNormalization {
        dot_segments: notation,
        duplicate_slashes: notation,
        escaped_slashes: notation,
        backslashes: notation,
        path_parameters: notation,
        percent_encoding: notation,
        invalid_escapes: InvalidEscapes::Reject,
    }
}

fn readings(options: &PathNormalization, path: &[u8]) -> Result<Vec<String>, InvalidPath> {
    let readings = options.readings(path)?;
    Ok(readings.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect())
}

#[test]
fn a_usual_path_is_borrowed() {
    let options = PathNormalization::default();
    for path in
        ["/", "/admin", "/Admin", "/a/b.c/...", "/.well-known/x", "/a b", "/a/", "/:x@y=z,!$&'()*+", "*", ""]
    {
        let read = options.readings(path.as_bytes()).unwrap();
        assert!(matches!(read.first, Cow::Borrowed(_)) && read.others().len() == 0, "{path}");
        assert_eq!(*read.first(), *path.as_bytes());
    }
}

#[test]
fn a_query_without_a_path_is_rejected() {
    let read = |path: &'static str| {
        let facts = RequestFacts { path: path.as_bytes(), ..RequestFacts::default() };
        PathNormalization::default().readings_of(&facts).map(|read| read.first().to_vec())
    };
    assert_eq!(read("?x"), Err(InvalidPath::NotAbsolute));
    assert_eq!((read("/?//"), read("")), (Ok(b"/".to_vec()), Ok(Vec::new())));
}

#[test]
fn returns_every_reading_and_the_canonical_one_first() {
    for (path, expected) in [
        ("//admin", vec!["/admin", "//admin"]),
        ("///a////b", vec!["/a/b", "///a////b"]),
        ("/./admin", vec!["/admin", "/./admin"]),
        ("/x/../admin", vec!["/admin", "/x/../admin"]),
        ("/../../admin", vec!["/admin", "/../../admin"]),
        ("/x/%2e%2E/admin", vec!["/admin", "/x/../admin"]),
        ("/a/..", vec!["/", "/a/.."]),
        ("/a/.", vec!["/a/", "/a/."]),
        ("/%61%7euser", vec!["/a~user"]),
        ("/a%2fb", vec!["/a%2Fb", "/a/b"]),
        ("/a%5cb", vec!["/a%5Cb", r"/a\b", "/a/b"]),
        (r"/a\b", vec![r"/a\b", "/a/b"]),
        ("/a;x=1/b", vec!["/a;x=1/b", "/a/b"]),
        ("/a%3bx/b", vec!["/a%3Bx/b", "/a;x/b", "/a/b"]),
        ("/a%20b", vec!["/a%20b", "/a b"]),
        ("/%c3%a9", vec!["/%C3%A9", "/é"]),
        ("/%2561", vec!["/%2561", "/%61", "/a"]),
        ("/100%25", vec!["/100%25", "/100%"]),
        ("/a%20b//c", vec!["/a%20b/c", "/a b//c", "/a%20b//c", "/a b/c"]),
        ("/a%2Fb;x", vec!["/a%2Fb;x", "/a/b;x", "/a%2Fb", "/a/b"]),
    ] {
        let read = readings(&PathNormalization::default(), path.as_bytes()).unwrap();
        assert_eq!(read, expected, "{path}");
    }
}

#[test]
fn resolves_all_notations_that_are_not_kept() {
    let resolved = |options: PathNormalization, path: &'static str| {
        let facts = RequestFacts { path: path.as_bytes(), ..RequestFacts::default() };
        options.resolved_of(&facts).map(|path| String::from_utf8_lossy(&path).into_owned())
    };
    let options = PathNormalization::default();
    for path in [
        "/a/b",
        "//a/b",
        "/./a/b",
        "/x/../a/b",
        "/%61/b",
        "/%2561/b",
        "/a%2Fb",
        "/a%2fb",
        "/a%252Fb",
        r"/a\b",
        "/a%5cb",
        "/a;x=1/b;y",
        "/a%3Bx/b",
        "/a//b?x",
    ] {
        assert_eq!(resolved(options, path).as_deref(), Ok("/a/b"), "{path}");
    }
    assert_eq!(resolved(options, "/a%2Fb/../c"), Err(InvalidPath::AmbiguousParent), "`/c` or `/a/c`");
    let keep = PathNormalization { escaped_slashes: Notation::Keep, ..options };
    assert_eq!(resolved(keep, "//a%2fb").as_deref(), Ok("/a%2Fb"));
    for (path, kept) in [("/Login/", "/Login/"), ("*", "*"), ("", ""), ("/a%20b", "/a b")] {
        assert_eq!(resolved(options, path).as_deref(), Ok(kept));
    }
}

#[test]
fn an_option_selects_the_readings() {
    use Notation::{Keep, Normalize, Reject};
    let base = all(Keep);
    type Set = fn(&mut PathNormalization, Notation);
    let cases: [(Set, &str, &str, &str); 6] = [
        (|o, n| o.dot_segments = n, "dot_segments", "/a/./../b", "/b"),
        (|o, n| o.duplicate_slashes = n, "duplicate_slashes", "/a//b", "/a/b"),
        (|o, n| o.escaped_slashes = n, "escaped_slashes", "/a%2Fb%5C", r"/a/b\"),
        (|o, n| o.backslashes = n, "backslashes", r"/a\b", "/a/b"),
        (|o, n| o.path_parameters = n, "path_parameters", "/a;x=1;y/b;", "/a/b"),
        (|o, n| o.percent_encoding = n, "percent_encoding", "/a%2520%2F", "/a %2F"),
    ];
    for (set, name, path, normal) in cases {
        let read = |notation| {
            let mut options = base;
            set(&mut options, notation);
            readings(&options, path.as_bytes())
        };
        assert_eq!(read(Keep), Ok(vec![path.into()]), "{name}");
        assert_eq!(read(Normalize), Ok(vec![normal.into()]), "{name}");
        assert_eq!(read(Reject), Err(InvalidPath::Rejected(name)));
    }
}

#[test]
fn every_classic_bypass_is_read_as_its_target_or_rejected() {
    for (path, target) in [
        ("/admin", "/admin"),
        ("//admin", "/admin"),
        ("///admin", "/admin"),
        ("/./admin", "/admin"),
        ("/.//./admin", "/admin"),
        ("/x/../admin", "/admin"),
        ("/%61dmin", "/admin"),
        ("/%61%64%6D%69%6e", "/admin"),
        ("/%2561dmin", "/admin"),
        ("/%252561dmin", "/admin"),
        ("/%2e%2e/admin", "/admin"),
        ("/%2e/admin", "/admin"),
        ("/x/%2e%2e/admin", "/admin"),
        ("/x/.%2e/admin", "/admin"),
        ("/%252e%252e/admin", "/admin"),
        ("/x%2f..%2fadmin", "/admin"),
        ("/x%2F%2e%2e%2Fadmin", "/admin"),
        ("/x%252f..%252fadmin", "/admin"),
        (r"/x\..\admin", "/admin"),
        ("/x%5c..%5cadmin", "/admin"),
        (r"/\admin", "/admin"),
        (r"\admin", "/admin"),
        ("/x/..;/admin", "/admin"),
        ("/x/..;a=b/admin", "/admin"),
        ("/x/..%3B/admin", "/admin"),
        ("/;/admin", "/admin"),
        ("/;x/admin", "/admin"),
        ("/admin;", "/admin"),
        ("/admin;a=b", "/admin"),
        ("/admin%3Ba=b", "/admin"),
        ("/admin;/", "/admin/"),
        ("/admin;a%2F..%2Fb", "/admin"),
        ("/y%2F..%2Fadmin;q%2Fz", "/admin"),
        ("/a//../admin", "/admin"),
        ("/a%2Fb/../admin", "/admin"),
        ("/%c0%ae%c0%ae/admin", "/admin"),
        ("/x%c0%afadmin", "/admin"),
        ("/%u0061dmin", "/admin"),
        ("/admin%00", "/admin"),
        ("/admin%00.png", "/admin"),
        ("/admin%2500", "/admin"),
        ("/admin\0", "/admin"),
        ("/admin\n", "/admin"),
        ("/admin#x", "/admin"),
        ("/admin/.", "/admin/"),
        ("/admin/%2e", "/admin/"),
        ("/admin//", "/admin/"),
        ("/admin%2F", "/admin/"),
        ("/admin%252F", "/admin/"),
        (r"/admin\", "/admin/"),
        ("/admin/x/..", "/admin/"),
        ("/admin/..", "/"),
        ("admin", "/admin"),
        ("http://x/admin", "/admin"),
    ] {
        match readings(&PathNormalization::default(), path.as_bytes()) {
            Ok(read) => assert!(read.iter().any(|text| text == target), "{path}: {read:?}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

#[test]
fn other_names_are_not_read_as_the_target() {
    for path in ["/ADMIN", "/admin/", "/admin%20", "/admin.", "/admin/x", "/x/admin", "/admin%3Fx", "/admin+"]
    {
        let read = readings(&PathNormalization::default(), path.as_bytes()).unwrap();
        assert!(!read.iter().any(|text| text == "/admin"), "{path}: {read:?}");
    }
}

#[test]
fn rejects_a_path_whose_readings_are_not_certain() {
    use InvalidPath::*;
    for (path, error) in [
        ("admin", NotAbsolute),
        (r"\admin", NotAbsolute),
        ("**", NotAbsolute),
        ("http://x/admin", NotAbsolute),
        ("/a\x7f", ControlCharacter),
        ("/a\0", ControlCharacter),
        ("/a#b", Fragment),
        ("/a%00", Nul),
        ("/a%2500", Nul),
        ("/a%252500", Nul),
        ("/100%", InvalidEscape),
        ("/%u0061", InvalidEscape),
        ("/%4", InvalidEscape),
        ("/%c0%af", OverlongUtf8),
        ("/%25c0%25ae", OverlongUtf8),
        ("/%E0%80%AF", OverlongUtf8),
        ("/%252541", NestedEscapes),
        ("/a;x%2F/b", SeparatorInParameter),
        ("/a;x%252F/b", SeparatorInParameter),
        ("/a%3Bx%5C", SeparatorInParameter),
        (r"/a;x\b", SeparatorInParameter),
        ("/a//../b", AmbiguousParent),
        ("/x/..;/b", AmbiguousParent),
        (r"/x\..\b", AmbiguousParent),
        ("/a%2Fb/../c", AmbiguousParent),
        ("/%252e%252e/b", AmbiguousParent),
        ("/a%20b//c%2Fd;e", TooManyReadings),
    ] {
        assert_eq!(readings(&PathNormalization::default(), path.as_bytes()), Err(error), "{path}");
    }
    let lenient = PathNormalization { invalid_escapes: InvalidEscapes::Keep, ..PathNormalization::default() };
    assert_eq!(readings(&lenient, b"/100%"), Ok(vec!["/100%25".into(), "/100%".into()]));
    assert_eq!(readings(&all(Notation::Keep), b"/a%00"), Err(Nul));
}

#[test]
fn the_canonical_path_keeps_what_may_be_part_of_a_name() {
    let canonical = |options: PathNormalization, path: &str| {
        options.canonical(path.as_bytes()).map(|path| String::from_utf8(path.into_owned()).unwrap())
    };
    let path = "/x/../%61//b%20c%2fd;e";
    assert_eq!(canonical(PathNormalization::default(), path), Ok("/a/b%20c%2Fd;e".into()));
    assert_eq!(canonical(all(Notation::Keep), path), Ok("/x/../a//b%20c%2Fd;e".into()));
    assert_eq!(canonical(all(Notation::Normalize), path), Ok("/a/b%20c/d".into()));
    assert_eq!(canonical(all(Notation::Reject), path), Err(InvalidPath::Rejected("percent_encoding")));
}

#[test]
fn reads_the_options_of_a_configuration() {
    let json = r#"{"backslashes": "keep", "escaped_slashes": "reject", "invalid_escapes": "keep"}"#;
    let options: PathNormalization = crate::config::parse(json).unwrap();
    let expected = PathNormalization {
        backslashes: Notation::Keep,
        escaped_slashes: Notation::Reject,
        invalid_escapes: InvalidEscapes::Keep,
        ..PathNormalization::default()
    };
    assert_eq!(options, expected);
    for (json, message) in [
        (r#"{"backslashes": "decode"}"#, "backslashes: unknown"),
        (r#"{"merge_slashes": true}"#, "merge_slashes: unknown field"),
        (r#"{"invalid_escapes": "both"}"#, "invalid_escapes: unknown"),
    ] {
        let error = crate::config::parse::<PathNormalization>(json).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

/// Parts of paths that are read in several ways.
fn path() -> impl Strategy<Value = String> {
    let parts = vec![
        "/", "/", "/", "/", "admin", "x", "a", ".", "..", "/..", "/../", "%2e", "%61", "%2F", "%2f", "%5C",
        "\\", ";", "%3B", "%20", "%25", "%252F", "%252e", "%00", "%", "\u{e9}", "//",
    ];
    prop::collection::vec(prop::sample::select(parts), 0..8).prop_map(|parts| format!("/{}", parts.concat()))
}

fn options() -> impl Strategy<Value = PathNormalization> {
    let notation = || prop::sample::select(ALL.to_vec());
    let notations = (notation(), notation(), notation(), notation(), notation(), notation());
    (notations, any::<bool>()).prop_map(|((a, b, c, d, e, f), keep)| PathNormalization {
        dot_segments: a,
        duplicate_slashes: b,
        escaped_slashes: c,
        backslashes: d,
        path_parameters: e,
        percent_encoding: f,
        invalid_escapes: if keep { InvalidEscapes::Keep } else { InvalidEscapes::Reject },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_a_simple_implementation(path in path(), options in options()) {
        let read = options.readings(path.as_bytes());
        let expected = reference::readings(&options, &path);
        match read {
            Ok(read) => {
                let set: BTreeSet<Vec<u8>> = read.iter().map(<[u8]>::to_vec).collect();
                prop_assert_eq!(set.len(), 1 + read.others().len(), "readings are different");
                prop_assert_eq!(Some(set), expected, "{:?}", options);
            }
            Err(error) => prop_assert_eq!(None, expected, "{}", error),
        }
    }

    #[test]
    fn the_canonical_path_is_its_own_reading(path in path(), options in options()) {
        if let Ok(canonical) = options.canonical(path.as_bytes()) {
            let again = options.canonical(&canonical).map(Cow::into_owned);
            prop_assert_eq!(again.as_deref(), Ok(&*canonical));
            if let Ok(read) = options.readings(&canonical)
                && options.percent_encoding != Notation::Normalize
            {
                prop_assert_eq!(read.first(), &*canonical);
            }
        }
    }

    #[test]
    fn a_normal_reading_is_its_own_reading(path in path()) {
        let options = PathNormalization { invalid_escapes: InvalidEscapes::Keep, ..all(Notation::Normalize) };
        if let Ok(read) = options.readings(path.as_bytes()) {
            prop_assert_eq!(read.others().len(), 0);
            let text = String::from_utf8_lossy(read.first()).into_owned();
            for odd in ["//", "/./", "/../", "\\", ";"] {
                prop_assert!(!text.contains(odd), "{}", text);
            }
            prop_assert!(!text.ends_with("/.") && !text.ends_with("/.."));
            // A literal `%` that is left would be read as `%25`.
            if !text.contains('%') && !text.contains('\u{fffd}') {
                prop_assert_eq!(readings(&options, text.as_bytes()), Ok(vec![text]));
            }
        }
    }

    /// An upstream takes any of the steps, in any order, and may decode twice.
    #[test]
    fn no_upstream_reads_what_no_reading_matches(
        path in path(),
        steps in prop::collection::vec(0..7usize, 0..7),
    ) {
        let options = PathNormalization::default();
        let Ok(read) = options.readings(path.as_bytes()) else { return Ok(()) };
        let upstream = reference::upstream(&path, &steps);
        let admin = |text: &[u8]| text == b"/admin" || text.starts_with(b"/admin/");
        // A rule that restricts `/admin/**` is not bypassed.
        if admin(&upstream) {
            prop_assert!(read.iter().any(admin), "{:?}: {:?}", path, upstream);
        }
        // A rule that allows `/admin/**` does not allow another path.
        if read.iter().all(admin) {
            prop_assert!(admin(&upstream), "{:?}: {:?}", path, upstream);
        }
    }

    /// However an upstream reads a path, and whatever spelling a client chooses, it counts as the same one.
    #[test]
    fn all_spellings_have_one_resolved_reading(path in path(), steps in prop::collection::vec(0..7usize, 0..7)) {
        let resolved = |path: &[u8]| {
            let facts = RequestFacts { path, ..RequestFacts::default() };
            PathNormalization::default().resolved_of(&facts).map(Cow::into_owned)
        };
        let upstream = reference::upstream(&path, &steps);
        if let (Ok(one), Ok(other)) = (resolved(path.as_bytes()), resolved(&upstream)) {
            prop_assert_eq!(one, other, "{:?}: {:?}", path, upstream);
        }
    }

    #[test]
    fn never_panics(path in prop::collection::vec(any::<u8>(), 0..30), options in options()) {
        if let Ok(read) = options.readings(&path) {
            prop_assert!(read.iter().count() <= MAX_READINGS);
        }
    }
}
