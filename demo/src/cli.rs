//! The command line. `make run` passes on what it was told through the environment: `PORT` and `TOUR`.

use crate::print::Color;
use anyhow::{Context, Result, bail};
use clap::Parser;

const PORT: u16 = 10000;

/// Two services behind Envoy with the filters loaded, and a tour of what they do.
#[derive(Debug, Parser)]
#[command(name = "tollgate-demo")]
pub struct Cli {
    /// End after the tour, with status 0 when all went as expected [env: TOUR=only]
    #[arg(long)]
    tour_only: bool,
    /// Where the proxy listens on 127.0.0.1; 0 for any free port [env: PORT] [default: 10000]
    #[arg(long)]
    port: Option<u16>,
    /// Whether to colour
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// Whether to end after the tour.
    pub tour_only: bool,
    /// The port to listen on.
    pub port: u16,
}

impl Cli {
    /// The command line first, then the environment, then the defaults.
    pub fn orders(&self) -> Result<Orders> {
        self.orders_in(|name| std::env::var(name).ok())
    }

    fn orders_in(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Orders> {
        // Make exports a variable that nobody has set as an empty one.
        let said = |name| environment(name).filter(|value| !value.is_empty());
        let port = match (self.port, said("PORT")) {
            (Some(port), _) => port,
            (None, Some(text)) => text
                .parse()
                .ok()
                .with_context(|| format!("`PORT` is `{text}`, not a port from 0 to 65535"))?,
            (None, None) => PORT,
        };
        let tour_only = match said("TOUR").as_deref() {
            _ if self.tour_only => true,
            None => false,
            Some("only") => true,
            Some(other) => bail!("`TOUR` is `{other}`: leave it out, or say `only` to end after the tour"),
        };
        Ok(Orders { tour_only, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Orders, String> {
        let cli = Cli::parse_from(["demo"].iter().chain(arguments));
        let of = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        cli.orders_in(of).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_come_before_the_environment_and_that_before_the_defaults() {
        assert_eq!(orders(&[], &[]), Ok(Orders { tour_only: false, port: 10000 }));
        assert_eq!(orders(&[], &[("PORT", ""), ("TOUR", "")]), orders(&[], &[]));
        let environment = [("PORT", "8000"), ("TOUR", "only")];
        assert_eq!(orders(&[], &environment), Ok(Orders { tour_only: true, port: 8000 }));
        assert_eq!(orders(&["--port", "9000"], &environment).unwrap().port, 9000);
        assert!(orders(&["--tour-only"], &[("TOUR", "long")]).unwrap().tour_only);
    }

    #[test]
    fn what_makes_no_sense_in_the_environment_is_named() {
        let error = orders(&[], &[("PORT", "http")]).unwrap_err();
        assert_eq!(error, "`PORT` is `http`, not a port from 0 to 65535");
        let error = orders(&[], &[("TOUR", "onyl")]).unwrap_err();
        assert!(error.starts_with("`TOUR` is `onyl`: "), "{error}");
    }
}
