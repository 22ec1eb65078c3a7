#![allow(unused_imports)]
use tollgate::{Config, HttpFilter};

#[derive(Config)]
struct Mine {}

#[tollgate::filter]
impl HttpFilter for Mine {
    fn helper(&self) {}
}

fn main() {}
