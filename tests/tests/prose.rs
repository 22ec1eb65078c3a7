//! `scripts/prose` rejects a planted example of each rule, and accepts plain text.

use std::path::Path;
use std::process::Command;
use tollgate_host_test::paths::workspace_root as root;

/// A checkout that follows the rules.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Self {
        let checkout = Self(tempfile::tempdir().expect("a folder"));
        std::fs::create_dir(checkout.path().join("scripts")).expect("a folder");
        std::fs::copy(root().join("scripts/prose"), checkout.path().join("scripts/prose"))
            .expect("the script");
        checkout.write("lib.rs", "//! Counts requests.\n");
        checkout.git(&["init", "--quiet", "--initial-branch=main"]);
        // The script checks the commits after the one that it names. Here that is the root commit.
        checkout.commit("all: add the files");
        let first = checkout.git(&["rev-parse", "HEAD"]);
        let script = std::fs::read_to_string(checkout.path().join("scripts/prose")).expect("text");
        let (before, rest) = script.split_once("FIRST = \"").expect("the first commit");
        let (_, after) = rest.split_once('"').expect("a quote");
        checkout.write("scripts/prose", &format!("{before}FIRST = \"{}\"{after}", first.trim()));
        checkout.commit("prose: start here\n\nThe commits before this one are older than the rules.");
        checkout
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
        let ran = Command::new("git").current_dir(self.path()).args(identity).args(arguments).output();
        let ran = ran.expect("git runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// Runs the check. Returns its report, which is empty if it passes.
    fn report(&self) -> String {
        let ran =
            Command::new("python3").arg(self.path().join("scripts/prose")).output().expect("python3 runs");
        let report = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert_eq!(
            ran.status.success(),
            report.is_empty(),
            "{report}{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        report
    }
}

#[test]
fn accepts_plain_text() {
    let checkout = Checkout::new();
    checkout
        .write("README.md", "# Limits\n\nThe first rule that matches decides. What differs from Envoy?\n");
    checkout.write(
        "src/lib.rs",
        "/// Returns the first value.\nfn first() -> &'static str {\n    \"no value\"\n}\n",
    );
    checkout.commit("lib: return the first value\n\nNobody could read one. Tests read all of them.");
    assert_eq!(checkout.report(), "");
}

#[test]
fn rejects_a_planted_example_of_each_rule() {
    let wide = format!("// {}\n", "wide ".repeat(24));
    let long = format!("fn {}() {{}}\n", "a_test_name_".repeat(6));
    for (file, text, expected) in [
        ("lib.rs", "//! Starts anew.\n", "lib.rs:1: word: `anew`; again"),
        ("lib.rs", "//! Counts.\n// Nobody reads it.\n", "lib.rs:2: word: `Nobody`"),
        ("lib.rs", "fn f() -> &'static str {\n    \"`x` is no runtime\"\n}\n", "lib.rs:2: word: `is no `"),
        (
            "lib.rs",
            "/// What is kept of it.\nfn f() {}\n",
            "lib.rs:1: opening: `What`; begin with a noun or a verb",
        ),
        ("lib.rs", "/// Of each limit.\nfn f() {}\n", "lib.rs:1: opening: `Of`"),
        ("lib.rs", &wide, "lib.rs:1: width: "),
        ("lib.rs", &long, "at most 60 characters"),
        ("README.md", "Requests of whom nothing is known wait.\n", "README.md:1: word: `whom`"),
        ("README.md", "What is answered depends on the rule.\n", "README.md:1: opening: `What is answered"),
        ("README.md", "| field | Who is counted. |\n", "README.md:1: opening: `Who is counted"),
        ("envoy.yaml", "# What was not checked does not pass.\na: 1\n", "envoy.yaml:1: opening: `What`"),
        ("scripts/a.sh", "say \"nobody listens\"\n", "scripts/a.sh:1: word: `nobody`"),
    ] {
        let checkout = Checkout::new();
        checkout.write(file, text);
        let report = checkout.report();
        assert!(report.contains(expected), "{file}: {text}\n{report}");
    }
}

#[test]
fn rejects_a_commit_that_does_not_follow_the_rules() {
    let long = format!("lib: {}\n\nbody", "a".repeat(70));
    for (message, expected) in [
        ("lib: add a file", "no body; state the problem, the change and the evidence"),
        (long.as_str(), "subject has 75 characters, at most 72 are allowed"),
        ("add a file\n\nbody", "expected `area: imperative summary`"),
        ("lib: wip\n\nbody", "expected `area: imperative summary`"),
        ("lib: who keeps nothing is skipped\n\nbody", "begins with `Who`, expected a verb"),
        ("lib: start anew\n\nbody", "`anew`; again"),
    ] {
        let checkout = Checkout::new();
        checkout.commit(message);
        assert!(checkout.report().contains(expected), "{message}\n{}", checkout.report());
    }
    let checkout = Checkout::new();
    checkout.git(&["switch", "--quiet", "--create", "other"]);
    checkout.commit("lib: add a file\n\nbody");
    checkout.git(&["switch", "--quiet", "main"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "--message", "lib: merge\n\nbody", "other"]);
    assert!(checkout.report().contains("merge commit; rebase instead"), "{}", checkout.report());
}
