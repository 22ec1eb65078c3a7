use tollgate::Config;

#[derive(Config)]
#[config(allow_unknown_fields)]
struct Mine {
    header: String,
}

fn main() {}
