//! The fields of a request that a policy decides about: options of `explain`, and fields of a table.

use serde_json::{Map, Value};
use tollgate_policy::{Config, ConfigError, HeaderName, HeaderValue, Named};

/// A request.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct RequestFields {
    /// Method. Default: `GET`.
    pub method: Option<String>,
    /// URL, such as `https://shop.example/orders?page=2`. It is not normalised.
    pub url: Option<String>,
    /// Host, with its port if the client sends it. Replaces the one of `url`.
    pub host: Option<String>,
    /// Path, with its query. It is not normalised. Without `url` and `path`, the path is `/`.
    pub path: Option<String>,
    /// Headers. A list has the lines of a repeated header.
    pub headers: Named<Lines>,
    /// Claims of the verified token, where the configuration expects them: in its first source of claims.
    pub claims: Option<Object>,
    /// Address of the client: `remote.ip`.
    pub source_ip: Option<String>,
    /// Port of the client: `source.port`.
    pub source_port: Option<u16>,
    /// Address of the peer of the connection: `source.ip`. Needs `peer_address_filter_state` in the
    /// configuration; without it, `source.ip` is the address of the client.
    pub peer_ip: Option<String>,
    /// Address at which the proxy received the connection: `destination.ip`.
    pub destination_ip: Option<String>,
    /// Port at which the proxy received the connection: `destination.port`.
    pub destination_port: Option<u16>,
    /// Server name that the client requested: `connection.sni`.
    pub sni: Option<String>,
    /// TLS version, such as `TLSv1.3`: `connection.tls_version`.
    pub tls_version: Option<String>,
    /// URI of the certificate of the peer, such as `spiffe://cluster.local/ns/shop/sa/cart`.
    pub principal: Option<String>,
    /// DNS name of the certificate of the peer: `source.dns_san`.
    pub dns_san: Option<String>,
    /// Subject of the certificate of the peer: `source.subject`.
    pub subject: Option<String>,
    /// Dynamic metadata of earlier filters, by namespace.
    pub metadata: Named<Object>,
    /// Metadata of the route, by namespace.
    pub route_metadata: Named<Object>,
    /// Filter state of earlier filters, by its full name, such as `wasm.tenant`.
    pub filter_state: Named<String>,
}

/// A JSON object with any members.
#[derive(Clone, Debug, Default)]
pub struct Object(pub Map<String, Value>);

impl Config for Object {
    fn blank() -> Self {
        Self::default()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        let Value::Object(members) = value else {
            return Err(ConfigError::invalid_type(value, "an object"));
        };
        self.0.clone_from(members);
        Ok(())
    }

    fn written(&self) -> Option<Value> {
        Some(Value::Object(self.0.clone()))
    }
}

tollgate_policy::json_schema_of!(Object, |_generator| {
    tollgate_policy::config::derived::schemars::json_schema!({ "type": "object" })
});

/// Lines of a header: a text, or a list of texts.
#[derive(Clone, Debug, Default)]
pub struct Lines(pub Vec<String>);

impl Config for Lines {
    fn blank() -> Self {
        Self::default()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        self.0.clear();
        match value {
            Value::String(line) => self.0.push(line.clone()),
            Value::Array(_) => self.0.fill(value)?,
            _ => return Err(ConfigError::invalid_type(value, "a string or a list of strings")),
        }
        Ok(())
    }

    fn written(&self) -> Option<Value> {
        self.0.written()
    }
}

tollgate_policy::json_schema_of!(Lines, |_generator| {
    let line = tollgate_policy::config::derived::schemars::json_schema!({ "type": "string" });
    let lines = tollgate_policy::config::derived::schemars::json_schema!({ "type": "array", "items": line });
    tollgate_policy::config::derived::schemars::json_schema!({ "anyOf": [line, lines] })
});

/// A field of the message: name and value.
pub type Pair = (Vec<u8>, Vec<u8>);

impl RequestFields {
    /// Returns the pseudo-headers and headers as Envoy provides them: names in lower case.
    pub fn pairs(&self) -> Result<Vec<Pair>, ConfigError> {
        let url = self.url.as_deref().map(split).transpose().map_err(|why| why.in_member("url"))?;
        let (scheme, url_host, url_path) = url.unwrap_or(("https", "", "/".into()));
        let method = self.method.as_deref().unwrap_or("GET");
        method.parse::<HeaderName>().map_err(|_| {
            ConfigError::new("method", &format_args!("`{}` is not a method", method.escape_debug()))
        })?;
        let path = match &self.path {
            Some(_) if self.url.is_some() => {
                return Err(ConfigError::new(
                    "path",
                    &"cannot be given together with `url`, which has a path",
                ));
            }
            Some(path) => checked_path(path).map_err(|why| why.in_member("path"))?,
            None => &url_path,
        };
        let mut host =
            self.host.clone().or_else(|| Some(url_host.to_owned()).filter(|host| !host.is_empty()));
        let mut headers = Vec::new();
        for (name, lines) in &self.headers {
            let at = |error: ConfigError| error.in_member(name).in_member("headers");
            let parsed: HeaderName = name.parse().map_err(|error| at(ConfigError::here(&error)))?;
            for line in &lines.0 {
                line.parse::<HeaderValue>().map_err(|error| at(ConfigError::here(&error)))?;
                if parsed.as_str() != "host" {
                    headers.push((parsed.as_str().as_bytes().to_vec(), line.as_bytes().to_vec()));
                } else if host.replace(line.clone()).is_some() {
                    return Err(at(ConfigError::here(&"the host is given twice")));
                }
            }
        }
        let host = host.unwrap_or_default();
        checked_host(&host).map_err(|why| why.in_member("host"))?;
        let pseudo = [(":method", method), (":scheme", scheme), (":authority", &*host), (":path", path)];
        let pseudo = pseudo.into_iter().filter(|(_, value)| !value.is_empty());
        let pairs = pseudo.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        Ok(pairs.chain(headers).collect())
    }
}

/// Splits a URL into scheme, host and path. Does not normalise it, because policies must see what a client
/// sends.
fn split(url: &str) -> Result<(&str, &str, String), ConfigError> {
    let invalid = || {
        let message = format!("`{}`, expected a URL such as `https://shop.example/a`", url.escape_debug());
        ConfigError::here(&message)
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
    if !["http", "https"].contains(&scheme) {
        return Err(invalid());
    }
    // A client sends no fragment.
    let rest = rest.split('#').next().unwrap_or_default();
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if host.is_empty() {
        return Err(invalid());
    }
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    checked_path(&path)?;
    Ok((scheme, host, path))
}

fn checked_path(path: &str) -> Result<&str, ConfigError> {
    let is_valid = |text: &str| text.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    if is_valid(path) && (path.starts_with('/') || path == "*") {
        return Ok(path);
    }
    let message =
        format!("`{}`, expected a path that begins with `/` and has no spaces", path.escape_debug());
    Err(ConfigError::here(&message))
}

fn checked_host(host: &str) -> Result<(), ConfigError> {
    if host.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'@' | b'?' | b'#')) {
        return Ok(());
    }
    Err(ConfigError::here(&format_args!("`{}` is not a host", host.escape_debug())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pairs(fields: Value) -> Result<String, String> {
        let fields: RequestFields = tollgate_policy::config::read(&fields).map_err(|e| e.to_string())?;
        let pairs = fields.pairs().map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ok(pairs.iter().map(|(name, value)| format!("{}={} ", text(name), text(value))).collect())
    }

    #[test]
    fn a_url_is_not_normalised() {
        let seen = pairs(json!({"url": "http://A.test:80/x/../%2e//y?q=1#f", "method": "PUT"}));
        assert_eq!(seen.unwrap(), ":method=PUT :scheme=http :authority=A.test:80 :path=/x/../%2e//y?q=1 ");
        let seen = pairs(json!({"url": "https://a.test?q", "headers": {"X-A": ["1", "2"], "x-b": "3"}}));
        let expected = ":method=GET :scheme=https :authority=a.test :path=/?q x-a=1 x-a=2 x-b=3 ";
        assert_eq!(seen.unwrap(), expected);
        let seen = pairs(json!({"headers": {"Host": "a.test"}}));
        assert_eq!(seen.unwrap(), ":method=GET :scheme=https :authority=a.test :path=/ ");
    }

    #[test]
    fn rejects_what_no_client_can_send() {
        for (fields, error) in [
            (json!({"url": "a.test/x"}), "url: `a.test/x`, expected a URL such as `https://shop.example/a`"),
            (json!({"path": "x"}), "path: `x`, expected a path that begins with `/` and has no spaces"),
            (json!({"path": "/a b"}), "path: `/a b`, expected a path that begins with `/` and has no spaces"),
            (
                json!({"url": "http://a/", "path": "/"}),
                "path: cannot be given together with `url`, which has a path",
            ),
            (json!({"method": "G T"}), "method: `G T` is not a method"),
            (json!({"host": "a/b"}), "host: `a/b` is not a host"),
            (
                json!({"headers": {":path": "/"}}),
                "headers.:path: `:path` is a pseudo-header, expected an ordinary header",
            ),
            (json!({"host": "a", "headers": {"host": "b"}}), "headers.host: the host is given twice"),
            (
                json!({"headers": {"a": 1}}),
                "headers.a: invalid type: integer `1`, expected a string or a list of strings",
            ),
            (json!({"claims": "x"}), "claims: invalid type: string \"x\", expected an object"),
        ] {
            assert_eq!(pairs(fields).unwrap_err(), error);
        }
    }
}
