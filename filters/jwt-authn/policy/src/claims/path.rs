//! Where a claim is.

use crate::config::ClaimPath;
use tollgate_jose::Json;

/// The claim at a path. Of a dotted path a claim of that whole name comes first, since names of claims may hold dots
/// (`https://a.example/roles`).
pub fn find<'c>(claims: &'c Json, path: &ClaimPath) -> Option<&'c Json> {
    match path {
        ClaimPath::Dotted(path) => claims.get(path).or_else(|| walk(claims, path.split('.'))),
        ClaimPath::Names(names) => walk(claims, names.iter().map(String::as_str)),
    }
}

fn walk<'c, 'n>(claims: &'c Json, mut names: impl Iterator<Item = &'n str>) -> Option<&'c Json> {
    names.try_fold(claims, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_json::json;

    #[test]
    fn a_dotted_path_is_a_whole_name_or_a_way_down() {
        let claims = json(r#"{"a": {"b": {"c": 1}, "x.y": 2}, "a.b": 3, "d": [{"e": 4}], "": {"": 5}}"#);
        let dotted = |path: &str| find(&claims, &ClaimPath::Dotted(path.into())).cloned();
        assert_eq!(dotted("a.b.c"), Some(json("1")));
        assert_eq!(dotted("a.b"), Some(json("3")));
        for none in ["a.c", "a.b.c.d", "d.e", "d.0", "a.x.y", "b"] {
            assert_eq!(dotted(none), None, "{none}");
        }
        assert_eq!(dotted("."), Some(json("5")));
    }

    #[test]
    fn a_list_is_names_and_nothing_else() {
        let claims = json(r#"{"a": {"b": 1, "x.y": 2}, "a.b": 3}"#);
        let names = |names: &[&str]| {
            let path = ClaimPath::Names(names.iter().map(|name| (*name).into()).collect());
            find(&claims, &path).cloned()
        };
        assert_eq!(names(&["a", "b"]), Some(json("1")));
        assert_eq!(names(&["a", "x.y"]), Some(json("2")));
        assert_eq!(names(&["a.b"]), Some(json("3")));
        assert_eq!(names(&["a", "b", "c"]), None);
    }
}
