//! Malformed and hostile files.

use crate::support::{Output, file, tollgate};

/// Runs `check` and `run` on a file. Both must report it as invalid, on one line.
fn bad(content: impl AsRef<[u8]>) -> [Output; 2] {
    let (_folder, path) = file("x.yaml", content);
    ["check", "run"].map(|command| {
        let said = tollgate(&[command, &path]);
        assert_eq!(said.exit, 2, "{command}: {:.400}", said.out);
        let line = said.out.lines().find(|line| line.contains("INVALID")).unwrap_or_default();
        assert!(line.contains(&path), "{command}: {:.400}", said.out);
        said
    })
}

#[test]
fn malformed_yaml_is_invalid_and_names_the_line() {
    for said in bad("a: 1\nb: [2\n") {
        assert!(said.out.contains("line"), "{said:?}");
    }
    for said in bad([b'a', b':', b' ', 0xff]) {
        assert!(said.out.contains("is not UTF-8 from byte 3"), "{said:?}");
    }
    bad("a: 1\na: 2\n");
}

#[test]
fn files_made_to_exhaust_memory_are_invalid() {
    bad("[".repeat(200_000));
    bad((0..5_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>());
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let alias = format!("*a{}", n - 1);
        laughs += &format!("a{n}: &a{n} [{}]\n", [alias.as_str(); 10].join(", "));
    }
    bad(laughs);
    for said in bad(vec![b' '; (16 << 20) + 1]) {
        assert!(said.out.contains("has more than 16777216 bytes"), "{:.200}", said.out);
    }
}

#[test]
fn a_missing_file_does_not_stop_the_others() {
    let said = tollgate(&["run", "/nowhere.yaml", "examples/hello/scenario.yaml"]);
    assert_eq!(said.exit, 2);
    assert!(said.out.contains("`/nowhere.yaml`: No such file") && said.out.contains("ok "), "{said:?}");
    let said = tollgate(&["check", "/nowhere.yaml", "--json"]);
    assert!(said.json()["files"][0]["error"].as_str().unwrap().contains("No such file"), "{said:?}");
}

#[test]
fn a_file_without_filters_is_not_checked() {
    for text in ["", "a: 1\n", "[]"] {
        let (_folder, path) = file("x.yaml", text);
        let said = tollgate(&["check", &path]);
        assert!(said.exit == 3 && said.out.contains("no Wasm filter in this file"), "{said:?}");
    }
}
