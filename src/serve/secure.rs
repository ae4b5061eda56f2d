//! What the browser is told about security, and which names and origins the server answers to (DNS rebinding, CSRF).

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use aplomb_model::{Code, Error, Result};

use crate::{ServeConfig, Tls};

/// The WASM application needs `wasm-unsafe-eval`; nothing inline, nothing from elsewhere.
const CSP: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; \
    font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const ALWAYS: [(&str, &str); 7] = [
    ("content-security-policy", CSP),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];
const HSTS: (&str, &str) = ("strict-transport-security", "max-age=31536000");

/// Where the server may be reached, worked out once.
#[derive(Debug, Clone)]
pub struct Site {
    /// browsers reach it by https, directly or through a proxy
    pub secure: bool,
    own_tls: bool,
    /// lower-case name without port, when `base_url` names one
    host: Option<String>,
    /// only names of this machine are right
    loopback: bool,
}

impl Site {
    pub fn new(config: &ServeConfig) -> Site {
        let own_tls = config.tls != Tls::Off;
        let base = config.base_url.as_deref();
        Site {
            secure: own_tls || base.is_some_and(|url| url.starts_with("https://")),
            own_tls,
            host: base.map(host_of).filter(|host| !host.is_empty()),
            loopback: config.listen.ip().is_loopback(),
        }
    }

    /// `__Host-` binds the cookie to this very host; browsers take it only over https.
    pub fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-aplomb" } else { "aplomb" }
    }

    /// Errors: `misdirected` when the `Host` is not one of ours. A page elsewhere may point its own name at this
    /// address, and would then be of the "same origin".
    pub fn check_host(&self, host: &str) -> Result<()> {
        let name = without_port(host).to_ascii_lowercase();
        let literal = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let local = name == "localhost" || name.ends_with(".localhost");
        let ours = match &self.host {
            Some(ours) => literal || local || *ours == name,
            None => literal || local || !self.loopback,
        };
        match ours && !name.is_empty() {
            true => Ok(()),
            false => Err(Error::new(Code::Misdirected, "start the server with --base-url to reach it under that name")),
        }
    }

    /// Errors: `csrf_missing` when a browser says that another site's page made the request.
    pub fn check_origin(&self, headers: &HeaderMap) -> Result<()> {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let site = text("sec-fetch-site");
        let foreign_site = site.is_some_and(|site| site != "same-origin" && site != "none");
        let foreign_origin = text("origin").is_some_and(|origin| {
            let host = text("host").unwrap_or_default();
            let same = origin.split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host));
            !(same || self.host.as_deref() == Some(host_of(origin).as_str()))
        });
        match foreign_site || foreign_origin {
            true => Err(Error::new(Code::CsrfMissing, "a page of another origin may not do this")),
            false => Ok(()),
        }
    }

    /// Adds the headers that every answer carries; what is there already stays.
    pub fn set_headers(&self, headers: &mut HeaderMap) {
        let hsts = self.own_tls.then_some(HSTS);
        for (name, value) in ALWAYS.into_iter().chain(hsts) {
            let name = HeaderName::from_static(name);
            if !headers.contains_key(&name) {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
    }
}

/// Who is calling: the peer, or whom a proxy on this machine names.
pub fn client_address(peer: Option<SocketAddr>, headers: &HeaderMap) -> Client {
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |p| p.ip().to_canonical());
    let forwarded = headers.get("x-forwarded-for").and_then(|v| v.to_str().ok());
    if !peer.is_loopback() {
        return Client { address: peer, local: false };
    }
    let proxied = forwarded.is_some() || headers.contains_key("forwarded");
    let named = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    Client { address: named.unwrap_or(peer), local: !proxied }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// a program on this very machine, not a proxy's customer
    pub local: bool,
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// The lower-case name in a URL or origin, without scheme, port and path.
pub fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    without_port(rest.split('/').next().unwrap_or_default()).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn site(listen: &str, base_url: Option<&str>, tls: Tls) -> Site {
        let config = ServeConfig::new("x", listen.parse().unwrap(), Arc::new(|_, _| None));
        Site::new(&ServeConfig { base_url: base_url.map(str::to_owned), tls, ..config })
    }

    #[test]
    fn hosts() {
        let (local, wide) = (site("127.0.0.1:8443", None, Tls::Auto), site("0.0.0.0:8443", None, Tls::Auto));
        let named = site("127.0.0.1:80", Some("https://CRM.example.org/x"), Tls::Off);
        for (host, at_local, at_wide, at_named) in [
            ("localhost:8443", true, true, true),
            ("app.localhost", true, true, true),
            ("127.0.0.1:8443", true, true, true),
            ("[::1]:8443", true, true, true),
            ("evil.example", false, true, false),
            ("crm.example.org", false, true, true),
            ("CRM.example.org:443", false, true, true),
            ("", false, false, false),
        ] {
            let got = [&local, &wide, &named].map(|site| site.check_host(host).is_ok());
            assert_eq!(got, [at_local, at_wide, at_named], "{host}");
        }
        assert!(named.secure && named.cookie_name() == "__Host-aplomb");
        assert_eq!(site("127.0.0.1:80", None, Tls::Off).cookie_name(), "aplomb");
    }

    #[test]
    fn origins() {
        let named = site("127.0.0.1:80", Some("https://crm.example.org"), Tls::Off);
        let cases: [(&[(&str, &str)], bool); 7] = [
            (&[], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("host", "localhost:1"), ("origin", "http://localhost:1")], true),
            (&[("host", "localhost:1"), ("origin", "http://localhost:2")], false),
            (&[("host", "10.0.0.1"), ("origin", "https://crm.example.org")], true),
        ];
        for (pairs, ok) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(named.check_origin(&headers).is_ok(), ok, "{pairs:?}");
        }
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static("1.1.1.1, 192.0.2.9"));
        let via = |peer: &str| client_address(Some(peer.parse().unwrap()), &headers);
        assert_eq!(via("127.0.0.1:5"), Client { address: "192.0.2.9".parse().unwrap(), local: false });
        assert_eq!(via("198.51.100.1:5"), Client { address: "198.51.100.1".parse().unwrap(), local: false });
        assert!(client_address(Some("[::1]:5".parse().unwrap()), &HeaderMap::new()).local);
    }
}
