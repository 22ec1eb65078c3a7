//! `tollgate new`.

use crate::args::NewArgs;
use crate::report::{Exit, Report};
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use std::fs;
use std::path::Path;
use tollgate_pack::paths::clone_root;

/// The files of the package, with `my-filter` as its name and `MyFilter` as the type.
const FILES: [(&str, &str); 7] = [
    ("Cargo.toml", include_str!("../../templates/filter/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("../../templates/filter/lib.rs.txt")),
    ("tests/my_filter.rs", include_str!("../../templates/filter/test.rs.txt")),
    ("scenario.yaml", include_str!("../../templates/filter/scenario.yaml")),
    ("wasmplugin.yaml", include_str!("../../templates/filter/wasmplugin.yaml")),
    ("README.md", include_str!("../../templates/filter/README.md")),
    (".gitignore", include_str!("../../templates/filter/gitignore.txt")),
];

pub fn run(args: &NewArgs) -> Result<Report> {
    let folder = &args.folder;
    let shown = folder.display();
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    check_name(name).with_context(|| format!("`{shown}`"))?;
    if folder.exists() {
        bail!("`{shown}`: exists already, expected the name of a new folder");
    }
    let clone = match &args.tollgate {
        Some(clone) => Some(fs::canonicalize(clone).with_context(|| format!("`{}`", clone.display()))?),
        None => clone_root(),
    };
    if let Some(clone) = clone.as_ref().filter(|clone| !clone.join("sdk/Cargo.toml").is_file()) {
        bail!("`{}`: not a clone of Tollgate, expected a folder with `sdk/Cargo.toml`", clone.display());
    }
    for (path, text) in FILES {
        let path = folder.join(path.replace("my_filter", &name.replace('-', "_")));
        write(&path, &fill(text, name, clone.as_deref())).with_context(|| format!("`{}`", path.display()))?;
    }
    // The versions of the dependencies with which Tollgate is tested.
    if let Some(lock) = clone.map(|clone| clone.join("Cargo.lock")).filter(|lock| lock.is_file()) {
        fs::copy(&lock, folder.join("Cargo.lock")).with_context(|| format!("`{}`", lock.display()))?;
    }
    let text = format!(
        "created {shown}, next:\n  cd {shown}\n  tollgate build . -o {name}.wasm\n  tollgate run scenario.yaml --on both\n"
    );
    let files: Vec<_> = FILES.iter().map(|(path, _)| *path).collect();
    Ok(Report { exit: Exit::Success, json: json!({ "folder": folder, "name": name, "files": files }), text })
}

/// Checks the name of a package.
fn check_name(name: &str) -> Result<()> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(is_word)
        || name.ends_with('-')
    {
        bail!("invalid name `{name}`, expected lower-case letters, digits and hyphens, such as `my-filter`");
    }
    // The package depends on them, and its library would shadow them.
    if ["tollgate", "tollgate-host-test", "test", "core", "std", "alloc"].contains(&name) {
        bail!("the name `{name}` is taken, expected another one");
    }
    Ok(())
}

fn fill(text: &str, name: &str, clone: Option<&Path>) -> String {
    let dependency = |folder: &str| match clone {
        Some(clone) => format!("path = {:?}", clone.join(folder)),
        None => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
    };
    text.replace("my-filter", name)
        .replace("MyFilter", &camel_case(name))
        .replace("HOST-TEST", &dependency("host-test"))
        .replace("SDK", &dependency("sdk"))
}

fn camel_case(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|letter| letter.to_ascii_uppercase())
            .into_iter()
            .chain(letters)
            .collect::<String>()
    };
    name.split('-').map(capital).collect()
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_type_after_the_package() {
        let manifest = fill(FILES[0].1, "check-2-teams", None);
        assert!(
            manifest.contains("name = \"check-2-teams\"") && manifest.contains("filter = \"Check2Teams\"")
        );
        assert!(manifest.contains("tollgate = { version = "), "{manifest}");
        for (_, text) in FILES {
            let text = fill(text, "teams", Some(Path::new("/c")));
            for placeholder in ["my-filter", "my_filter", "MyFilter", "SDK", "HOST-TEST"] {
                assert!(!text.contains(placeholder), "{placeholder}: {text}");
            }
        }
    }

    #[test]
    fn rejects_names_that_cargo_rejects() {
        for name in ["", "1a", "a_b", "A", "a/b", "ä", "-a", "a-", "tollgate", "std"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("check-2-teams").is_ok());
    }
}
