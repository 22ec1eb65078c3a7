//! Keys in `testdata/`, by name.

/// Private keys in PKCS#8.
const PRIVATE: [(&str, &str); 13] = [
    ("rsa1024-0", include_str!("../testdata/rsa1024-0.pem")),
    ("rsa2048-0", include_str!("../testdata/rsa2048-0.pem")),
    ("rsa2048-1", include_str!("../testdata/rsa2048-1.pem")),
    ("rsa3072-0", include_str!("../testdata/rsa3072-0.pem")),
    ("rsa4096-0", include_str!("../testdata/rsa4096-0.pem")),
    ("p256-0", include_str!("../testdata/p256-0.pem")),
    ("p256-1", include_str!("../testdata/p256-1.pem")),
    ("p384-0", include_str!("../testdata/p384-0.pem")),
    ("p384-1", include_str!("../testdata/p384-1.pem")),
    ("p521-0", include_str!("../testdata/p521-0.pem")),
    ("p521-1", include_str!("../testdata/p521-1.pem")),
    ("ed25519-0", include_str!("../testdata/ed25519-0.pem")),
    ("ed25519-1", include_str!("../testdata/ed25519-1.pem")),
];

/// Self-signed certificates, valid for 100 years.
const CERTIFICATES: [(&str, &str); 4] = [
    ("rsa2048-0", include_str!("../testdata/rsa2048-0.crt")),
    ("rsa2048-1", include_str!("../testdata/rsa2048-1.crt")),
    ("p256-0", include_str!("../testdata/p256-0.crt")),
    ("p256-1", include_str!("../testdata/p256-1.crt")),
];

/// Returns a private key in PEM.
pub fn private(name: &str) -> &'static str {
    find(&PRIVATE, name)
}

/// Returns a certificate in PEM.
pub fn certificate(name: &str) -> &'static str {
    find(&CERTIFICATES, name)
}

fn find(all: &[(&str, &'static str)], name: &str) -> &'static str {
    let found = all.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("`testdata/` has no file for `{name}`")).1
}
