//! The proxy that the environment names for an address, as libgit2 and git read it.

use ureq::Proxy;
use url::Url;

/// The proxy for this address; none where it is reached directly. `variable` gives the environment's.
///
/// Only the host and port of a proxy are ever shown: its address may hold a password.
pub(super) fn proxy_for(url: &Url, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, String> {
    let of_any = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| Some((name, variable(name).filter(|value| !value.trim().is_empty())?)))
    };
    let names = if url.scheme() == "https" { ["https_proxy", "HTTPS_PROXY"] } else { ["http_proxy", "HTTP_PROXY"] };
    let Some((name, address)) = of_any(names) else { return Ok(None) };
    let exceptions = of_any(["no_proxy", "NO_PROXY"]).map(|(_, value)| value).unwrap_or_default();
    if exceptions.split(',').any(|pattern| is_matched(url, pattern)) {
        return Ok(None);
    }
    let wrong = || format!("the variable {name} of the environment names no http proxy: write it as http://HOST:PORT");
    let proxy = Proxy::new(address.trim()).map_err(|_| wrong())?;
    match proxy.uri().scheme_str() {
        Some("http" | "https") => Ok(Some(proxy)),
        _ => Err(wrong()),
    }
}

/// `*`, `host`, `.domain` and `*.domain`, each also with `:port`.
fn is_matched(url: &Url, pattern: &str) -> bool {
    let pattern = pattern.trim().to_ascii_lowercase();
    if pattern.is_empty() || pattern == "*" {
        return !pattern.is_empty();
    }
    let (host, port) = match pattern.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
        _ => (pattern.as_str(), None),
    };
    let of_url = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let domain = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
    let is_host = match domain {
        Some(domain) => of_url.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.')),
        None => of_url == host.trim_matches(['[', ']']),
    };
    is_host && port.is_none_or(|port: u16| url.port_or_known_default() == Some(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(url: &str, environment: &[(&str, &str)]) -> Result<Option<String>, String> {
        let variable =
            |name: &str| environment.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        let proxy = proxy_for(&Url::parse(url).unwrap(), variable)?;
        Ok(proxy.map(|proxy| format!("{}:{}", proxy.host(), proxy.port())))
    }

    #[test]
    fn the_variable_of_the_scheme_counts() {
        let both = [("https_proxy", "http://s:1"), ("HTTPS_PROXY", "http://t:1"), ("http_proxy", "p:2")];
        assert_eq!(proxied("https://host/a", &both), Ok(Some("s:1".to_owned())));
        assert_eq!(proxied("http://host/a", &both), Ok(Some("p:2".to_owned())));
        assert_eq!(proxied("https://host/a", &both[1..]), Ok(Some("t:1".to_owned())));
        assert_eq!(proxied("https://host/a", &both[2..]), Ok(None));
        assert_eq!(proxied("https://host/a", &[("https_proxy", "")]), Ok(None));
        assert_eq!(proxied("https://host/a", &[]), Ok(None));
    }

    #[test]
    fn exceptions_are_reached_directly() {
        for (pattern, is_direct) in [
            ("*", true),
            ("host.example", true),
            ("HOST.example", true),
            ("example", false),
            (".example", true),
            ("*.example", true),
            (".host.example", true),
            (".ost.example", false),
            ("a, host.example:443 ,b", true),
            ("host.example:80", false),
            (",,", false),
        ] {
            let found = proxied("https://host.example/a", &[("https_proxy", "http://p:1"), ("no_proxy", pattern)]);
            assert_eq!(found.unwrap().is_none(), is_direct, "{pattern}");
        }
        let v6 = [("http_proxy", "p:1"), ("NO_PROXY", "[::1]:8080")];
        assert_eq!(proxied("http://[::1]:8080/a", &v6), Ok(None));
    }

    #[test]
    fn what_is_no_http_proxy_is_said_without_it() {
        for value in ["socks5://me:s3cret@p:1", "http://", "me:s3cret@"] {
            let said = proxied("https://host/a", &[("HTTPS_PROXY", value)]).unwrap_err();
            assert!(said.contains("HTTPS_PROXY") && !said.contains("s3cret"), "{value}: {said}");
        }
    }
}
