//! The command line. `make run` passes its variables `PORT` and `TOUR` through the environment.

use crate::print::Color;
use anyhow::{Context, Result, bail};
use clap::Parser;

const PORT: u16 = 10000;

/// Runs two services behind Envoy with the filters loaded, and a tour of the filters' features.
#[derive(Debug, Parser)]
#[command(name = "tollgate-demo")]
pub struct Cli {
    /// Exit after the tour, with status 0 if all steps passed [env: TOUR=only]
    #[arg(long)]
    tour_only: bool,
    /// Port of the proxy on 127.0.0.1; 0 for any free port [env: PORT] [default: 10000]
    #[arg(long)]
    port: Option<u16>,
    /// Whether to colour the output
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// Settings of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether to exit after the tour.
    pub tour_only: bool,
    /// Port to listen on.
    pub port: u16,
}

impl Cli {
    /// Returns the settings: from the command line, or else the environment, or else the defaults.
    pub fn settings(&self) -> Result<Settings> {
        self.settings_from(|name| std::env::var(name).ok())
    }

    fn settings_from(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Settings> {
        // Make exports a variable that is not set as an empty one.
        let variable = |name| environment(name).filter(|value| !value.is_empty());
        let port = match (self.port, variable("PORT")) {
            (Some(port), _) => port,
            (None, Some(text)) => text
                .parse()
                .ok()
                .with_context(|| format!("invalid `PORT` `{text}`, expected a port from 0 to 65535"))?,
            (None, None) => PORT,
        };
        let tour_only = match variable("TOUR").as_deref() {
            _ if self.tour_only => true,
            None => false,
            Some("only") => true,
            Some(other) => {
                bail!("invalid `TOUR` `{other}`, expected `only` to exit after the tour, or no value")
            }
        };
        Ok(Settings { tour_only, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Settings, String> {
        let cli = Cli::parse_from(["demo"].iter().chain(arguments));
        let variable =
            |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        cli.settings_from(variable).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_override_the_environment_and_defaults() {
        assert_eq!(settings(&[], &[]), Ok(Settings { tour_only: false, port: 10000 }));
        assert_eq!(settings(&[], &[("PORT", ""), ("TOUR", "")]), settings(&[], &[]));
        let environment = [("PORT", "8000"), ("TOUR", "only")];
        assert_eq!(settings(&[], &environment), Ok(Settings { tour_only: true, port: 8000 }));
        assert_eq!(settings(&["--port", "9000"], &environment).unwrap().port, 9000);
        assert!(settings(&["--tour-only"], &[("TOUR", "long")]).unwrap().tour_only);
    }

    #[test]
    fn names_an_invalid_variable() {
        let error = settings(&[], &[("PORT", "http")]).unwrap_err();
        assert_eq!(error, "invalid `PORT` `http`, expected a port from 0 to 65535");
        let error = settings(&[], &[("TOUR", "onyl")]).unwrap_err();
        assert!(error.starts_with("invalid `TOUR` `onyl`, "), "{error}");
    }
}
