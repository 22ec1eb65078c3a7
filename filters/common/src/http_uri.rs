//! URLs that documents are fetched from.

use crate::{Config, Duration};

/// Envoy's `HttpUri`.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
pub struct HttpUri {
    /// Absolute URL. Its host and path are sent.
    pub uri: String,
    /// Cluster for the request.
    pub cluster: String,
    /// Time for the whole response. Default: `5s`.
    pub timeout: Option<Duration>,
}

/// Parts of an absolute `http` or `https` URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'u> {
    /// Whether the scheme is `https`.
    pub secure: bool,
    /// Host and port as written, for `:authority`.
    pub authority: &'u str,
    /// Host.
    pub host: &'u str,
    /// Port; by default that of the scheme.
    pub port: u16,
    /// Path and query, for `:path`. Begins with a slash or is empty, which stands for `/`.
    pub path_and_query: &'u str,
}

impl<'u> Url<'u> {
    /// Parses a URL. An error says what is wrong with it.
    pub fn parse(text: &'u str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("is not an absolute URL")?;
        let secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err("must begin with `https://` or `http://`"),
        };
        // Authority and path become header values.
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("contains a character that must be percent-encoded");
        }
        if rest.contains('#') {
            return Err("must not have a fragment");
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err("must not have a user name");
        }
        if path_and_query.starts_with('?') {
            return Err("has a query but no path");
        }
        let (host, port) = host_and_port(authority)?;
        let port = port.unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { secure, authority, host, port, path_and_query })
    }

    /// Value of `:path`.
    pub fn path(&self) -> &'u str {
        if self.path_and_query.is_empty() { "/" } else { self.path_and_query }
    }
}

fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address are in brackets.
        Some((_, after)) if after.ends_with(']') => (authority, None),
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let port = match port.map(str::parse::<u16>) {
        None => None,
        Some(Ok(port)) if port > 0 => Some(port),
        Some(_) => return Err("has an invalid port"),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let valid = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        }
    };
    if valid { Ok((host, port)) } else { Err("has no valid host") }
}

impl HttpUri {
    /// Parses the URL.
    pub fn url(&self) -> Result<Url<'_>, &'static str> {
        Url::parse(&self.uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_a_url() {
        let url = Url::parse("https://a.example:8443/keys?v=1").unwrap();
        let parts = (url.secure, url.authority, url.host, url.port, url.path());
        assert_eq!(parts, (true, "a.example:8443", "a.example", 8443, "/keys?v=1"));
        let url = Url::parse("http://[::1]").unwrap();
        assert_eq!(
            (url.secure, url.authority, url.host, url.port, url.path()),
            (false, "[::1]", "[::1]", 80, "/")
        );
        assert_eq!(Url::parse("https://[::1]:9/x").unwrap().port, 9);
    }

    #[test]
    fn names_the_error_of_an_invalid_url() {
        for (text, problem) in [
            ("/keys", "absolute"),
            ("ftp://a/keys", "must begin with"),
            ("https://", "no valid host"),
            ("https:///keys", "no valid host"),
            ("https://a_b!/keys", "no valid host"),
            ("https://[::zz]/keys", "no valid host"),
            ("https://a:0/", "port"),
            ("https://a:70000/", "port"),
            ("https://a:/", "port"),
            ("https://u:p@a/", "user name"),
            ("https://a/b#c", "fragment"),
            ("https://a?x=1", "no path"),
            ("https://a/\u{e9}", "percent-encoded"),
            ("https://a/b c", "percent-encoded"),
            ("https://a/b\r\nx: y", "percent-encoded"),
        ] {
            let message = Url::parse(text).unwrap_err();
            assert!(message.contains(problem), "{text}: {message}");
        }
    }
}
