use tollgate::{Config, ConfigError, Context, HttpFilter, Result};

#[derive(Config)]
struct Mine {}

impl HttpFilter for Mine {
    type Config = Self;
    type Stream = ();

    fn new(config: Self, _: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        Ok(config)
    }
}

fn main() {}
