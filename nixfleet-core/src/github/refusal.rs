//! What an answer with an error status means for a person.

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;

use super::GithubError;
use super::client::{Answer, Question};
use super::rate_limit::limited_until;
use crate::one_line::one_line;

const SAID_CHARACTERS: usize = 200;

/// The body of an error: the schemas `basic-error` and `validation-error`.
#[derive(Debug, Deserialize)]
struct ErrorBody {
    message: Option<String>,
    #[serde(default)]
    errors: serde_json::Value,
}

pub(super) fn refusal(answer: &Answer, question: &Question, host: &str, with_token: bool) -> GithubError {
    let said = said(&answer.body);
    let status = answer.status.as_u16();
    let asked = question.asked.clone();
    if let Some(until) = limited_until(answer.status, &answer.headers, &said, Timestamp::now()) {
        return GithubError::LimitReached { status, said, until, with_token };
    }
    match answer.status {
        StatusCode::UNAUTHORIZED if with_token => GithubError::TokenRefused { host: host.to_owned() },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND if !with_token => {
            GithubError::TokenNeeded { asked, status }
        }
        StatusCode::FORBIDDEN => GithubError::NotAllowed { asked, said, right: question.right },
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => {
            GithubError::NotFound { asked, status }
        }
        status if status.is_server_error() => GithubError::Server { host: host.to_owned(), status: status.as_u16() },
        _ => GithubError::Refused { asked, status, said },
    }
}

/// GitHub's own word, on one line.
fn said(body: &[u8]) -> String {
    let Ok(body) = serde_json::from_slice::<ErrorBody>(body) else { return "no reason given".to_owned() };
    let mut said = body.message.unwrap_or_else(|| "no reason given".to_owned());
    let details = body.errors.as_array().into_iter().flatten().filter_map(|error| {
        let text = |name: &str| error.get(name).and_then(serde_json::Value::as_str);
        error.as_str().or_else(|| text("message")).or_else(|| text("code")).map(str::to_owned)
    });
    let details: Vec<String> = details.take(3).collect();
    if !details.is_empty() {
        said = format!("{said}: {}", details.join(", "));
    }
    one_line(&said, SAID_CHARACTERS)
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn is_one_line_whatever_the_body_holds() {
        for (body, expected) in [
            (r#"{"message": "Not Found", "documentation_url": "https://docs.github.com"}"#, "Not Found"),
            (
                r#"{"message": "Validation Failed", "errors": [{"code": "invalid"}, "no"]}"#,
                "Validation Failed: invalid, no",
            ),
            (r#"{"message": "a\u001b[31m\nb\u202e"}"#, "a [31m b "),
            ("<html>502</html>", "no reason given"),
            ("{}", "no reason given"),
            ("", "no reason given"),
        ] {
            assert_eq!(said(body.as_bytes()), expected, "{body}");
        }
    }
}
