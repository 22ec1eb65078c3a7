tollgate::module!();

fn main() {}
