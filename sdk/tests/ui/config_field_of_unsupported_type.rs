use tollgate::Config;

#[derive(Config)]
struct Mine {
    address: std::net::IpAddr,
}

fn main() {}
