use tollgate::{ConfigError, Context, HttpFilter, Result};

/// Unknown fields would be ignored.
#[derive(serde::Deserialize)]
struct Lenient {
    _header: String,
}

struct Mine;

#[tollgate::filter]
impl HttpFilter for Mine {
    type Config = Lenient;

    fn new(_: Lenient, _: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        Ok(Self)
    }
}

fn main() {}
