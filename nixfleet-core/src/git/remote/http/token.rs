//! The token for https: offered once, to the configured server only, and only where nobody else can read it.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http::HeaderValue;
use url::Url;

use super::super::address::HttpAddress;
use super::super::ssh_process::lock;

/// What one connection may offer, and whether it did.
pub(super) struct TokenOffer {
    address: HttpAddress,
    username_and_token: Option<(String, String)>,
    is_offered: Mutex<bool>,
}

impl TokenOffer {
    /// The configured token goes before what the address holds.
    pub(super) fn new(address: HttpAddress, configured: Option<(String, String)>) -> Self {
        let username_and_token = configured.or_else(|| address.username_and_password.clone());
        Self { address, username_and_token, is_offered: Mutex::new(false) }
    }

    /// What goes along with a question to this address, once the server asked for it.
    pub(super) fn of_later_questions(&self, asking: &Url) -> Option<HeaderValue> {
        let (username, token) = self.username_and_token.as_ref()?;
        let may_go_along =
            *lock(&self.is_offered) && self.address.is_same_server(asking) && self.address.is_confidential();
        may_go_along.then(|| basic(username, token)).flatten()
    }

    /// Answers a server that asks who we are; or why not, as a sentence about the server.
    pub(super) fn answer(&self, asking: &Url, takes_a_password: bool) -> Result<HeaderValue, &'static str> {
        let mut is_offered = lock(&self.is_offered);
        match &self.username_and_token {
            _ if !self.address.is_same_server(asking) => {
                Err("it redirects to another server that asks for credentials, which are for the configured one only: \
                     configure the address of the other server")
            }
            None => {
                Err("it asks for credentials: check the address, or configure a token that may read the repository")
            }
            Some(_) if !self.address.is_confidential() => {
                Err("it asks for credentials over http, where others could read them: configure an https address")
            }
            Some(_) if *is_offered => Err(
                "it does not accept the token: check that the token is valid, not expired, and may read the repository",
            ),
            Some(_) if !takes_a_password => {
                Err("it asks for a kind of credential other than a token: configure an ssh address")
            }
            Some((username, token)) => {
                *is_offered = true;
                basic(username, token).ok_or("it cannot be given this token: check the file that holds it")
            }
        }
    }
}

/// RFC 7617.
fn basic(username: &str, token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(format!("{username}:{token}")))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::super::super::address::Address;
    use super::*;

    fn offer(address: &str, token: Option<&str>) -> TokenOffer {
        let Ok(Address::Http(address)) = Address::parse(address) else { panic!("http") };
        TokenOffer::new(address, token.map(|token| ("x-access-token".to_owned(), token.to_owned())))
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn goes_once_to_its_server_only() {
        let offer = offer("https://host/a", Some("S3CRET"));
        let here = url("https://host/a/info/refs");
        assert_eq!(offer.of_later_questions(&here), None);
        assert!(offer.answer(&url("https://host:444/a"), true).unwrap_err().contains("another server"));
        assert!(offer.answer(&url("http://host/a"), true).unwrap_err().contains("another server"));
        assert!(offer.answer(&here, false).unwrap_err().contains("other than a token"));
        let value = offer.answer(&here, true).unwrap();
        assert_eq!(value.to_str().unwrap(), "Basic eC1hY2Nlc3MtdG9rZW46UzNDUkVU");
        assert!(!format!("{value:?}").contains("eC1h"));
        assert_eq!(offer.of_later_questions(&here), Some(value));
        assert_eq!(offer.of_later_questions(&url("https://host:444/a")), None);
        assert_eq!(offer.of_later_questions(&url("https://host.evil/a")), None);
        assert!(offer.answer(&here, true).unwrap_err().contains("does not accept the token"));
    }

    #[test]
    fn never_where_others_can_read_it() {
        let open = offer("http://host/a", Some("S3CRET"));
        assert!(open.answer(&url("http://host/a"), true).unwrap_err().contains("over http"));
        assert_eq!(open.of_later_questions(&url("http://host/a")), None);
        let none = offer("https://host/a", None);
        assert!(none.answer(&url("https://host/a"), true).unwrap_err().contains("configure a token"));
    }

    #[test]
    fn that_of_the_address_is_the_second_choice() {
        let value = |configured| offer("http://u:p@localhost/a", configured).answer(&url("http://localhost/a"), true);
        assert_eq!(value(None).unwrap().to_str().unwrap(), format!("Basic {}", STANDARD.encode("u:p")));
        assert!(value(Some("t")).unwrap().to_str().unwrap().ends_with(&STANDARD.encode("x-access-token:t")));
    }
}
