use tollgate::{Config, HttpFilter};

#[derive(Config)]
struct Mine {}

impl HttpFilter for Mine {}

tollgate::module!(Mine);

fn main() {}
