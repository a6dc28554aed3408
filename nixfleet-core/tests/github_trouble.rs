//! GitHub, when it does not answer as one would like, and the sentence that a person sees.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod github_asking;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use github_asking::{SECRET, ask, block_on, client_of, limits, list};
use jiff::Timestamp;
use nixfleet_core::github::{
    GithubClient, GithubError, KnownAnswers, Limits, LockUpdateFilter, MergeMethod, PullRequestDetails,
};
use serde_json::json;
use wiremock::ResponseTemplate;
use world::github::{GithubServer, Pull, PullState};

fn answer(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(json!({ "message": message, "documentation_url": "https://docs.github.com" }))
}

/// What a person reads where everything is answered like this.
fn sentence(token: Option<&str>, template: ResponseTemplate) -> String {
    let server = GithubServer::start();
    server.makes_up(move |_, _| Some(template.clone()));
    let error = block_on(async {
        let client = client_of(&server.api_url(), token, limits());
        client.open_lock_updates(&LockUpdateFilter::default(), &mut KnownAnswers::default(), Timestamp::now()).await
    });
    let sentence = error.unwrap_err().to_string();
    assert!(!sentence.contains(SECRET) && !sentence.contains('\n') && sentence.len() < 500, "{sentence}");
    sentence
}

#[test]
fn each_status_has_its_sentence() {
    let some = Some(SECRET);
    for (token, template, expected) in [
        (
            some,
            answer(401, "Bad credentials"),
            "does not accept the token (401): it is mistyped, expired or revoked; make a new one",
        ),
        (
            None,
            answer(401, "Requires authentication"),
            "without a token GitHub does not list the pull requests of example/fleet (401): check",
        ),
        (
            some,
            answer(403, "Resource not accessible by personal access token"),
            "does not allow this token to list the pull requests of example/fleet (403: Resource not accessible by personal access token): give it the right \"Pull requests: read\"",
        ),
        (
            None,
            answer(404, "Not Found"),
            "without a token GitHub does not list the pull requests of example/fleet (404): check",
        ),
        (
            some,
            answer(404, "Not Found"),
            "does not find what is needed to list the pull requests of example/fleet (404): check owner, name",
        ),
        (
            some,
            answer(422, "Validation Failed"),
            "refuses to list the pull requests of example/fleet (422: Validation Failed)",
        ),
        (some, answer(500, "oops"), "a trouble of its own (500): try again later"),
        (some, ResponseTemplate::new(502).set_body_string("<html>Bad Gateway</html>"), "a trouble of its own (502)"),
        (some, ResponseTemplate::new(200).set_body_string("[{\"number\": 7, "), "the answer is cut off"),
        (
            some,
            ResponseTemplate::new(200).set_body_string("<html>Sign in</html>"),
            "the answer is no JSON): check github.api_url",
        ),
        (
            some,
            ResponseTemplate::new(200).set_body_json(json!({ "number": 7 })),
            "does not answer as GitHub's API should when asked to list",
        ),
        (
            some,
            ResponseTemplate::new(200).set_body_bytes(vec![b' '; 17 * 1024 * 1024]),
            "sends more than 16 MiB when asked to",
        ),
        (
            some,
            ResponseTemplate::new(302).insert_header("location", "https://user:pw@evil.example.org/login?x=1"),
            "redirects to https://evil.example.org/login, which is not followed",
        ),
        (some, ResponseTemplate::new(301), "redirects to"),
        (
            some,
            ResponseTemplate::new(301).insert_header("location", "/repos/example/fleet/pulls"),
            "itself, again and again",
        ),
    ] {
        let found = sentence(token, template);
        assert!(found.contains(expected), "{found}\nshould say: {expected}");
    }
}

#[test]
fn a_limit_says_until_when_and_nothing_is_asked_before() {
    let server = GithubServer::start();
    let now = Timestamp::now();
    let reset = (now.as_second() + 600).to_string();
    let template = answer(403, "API rate limit exceeded for 192.0.2.1.")
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", reset.as_str());
    server.makes_up(move |_, _| Some(template.clone()));
    let mut known = KnownAnswers::default();
    let error = list(&server, &LockUpdateFilter::default(), &mut known).unwrap_err();
    let until = Timestamp::from_second(now.as_second() + 601).unwrap();
    assert_eq!(error.not_before(), Some(until));
    assert!(error.to_string().contains(&format!("limit of requests is reached (403: API rate limit exceeded for 192.0.2.1.): nothing is asked before {until}")), "{error}");
    for _ in 0..3 {
        assert_eq!(list(&server, &LockUpdateFilter::default(), &mut known).unwrap_err().not_before(), Some(until));
    }
    assert_eq!(server.asked(0).len(), 1, "the limit is respected");

    for status in [403, 429] {
        let template = answer(status, "You have exceeded a secondary rate limit").insert_header("retry-after", "30");
        server.makes_up(move |_, _| Some(template.clone()));
        let asked = Timestamp::now();
        let error = list(&server, &LockUpdateFilter::default(), &mut KnownAnswers::default()).unwrap_err();
        let [earliest, latest] = [asked, Timestamp::now()].map(|at| at + jiff::SignedDuration::from_secs(30));
        let until = error.not_before().unwrap();
        assert!(earliest <= until && until <= latest + jiff::SignedDuration::from_secs(1), "{asked} {until}");
    }
    let found = sentence(None, answer(429, "Too many"));
    assert!(found.ends_with("; a token raises the limit"), "{found}");
}

#[test]
fn the_last_request_that_is_allowed_is_the_last() {
    let server = GithubServer::start();
    let reset = (Timestamp::now().as_second() + 600).to_string();
    server.makes_up(move |_, _| {
        let template = ResponseTemplate::new(200).set_body_json(json!([])).insert_header("x-ratelimit-remaining", "0");
        Some(template.insert_header("x-ratelimit-reset", reset.as_str()))
    });
    let mut known = KnownAnswers::default();
    assert_eq!(list(&server, &LockUpdateFilter::default(), &mut known).unwrap().list.open, []);
    assert!(list(&server, &LockUpdateFilter::default(), &mut known).unwrap_err().not_before().is_some());
    assert_eq!(server.asked(0).len(), 1);
}

#[test]
fn an_error_leaves_what_is_known() {
    let server = GithubServer::start();
    server.has(vec![Pull::update(7)]);
    let mut known = KnownAnswers::default();
    let filter = LockUpdateFilter::default();
    let first = list(&server, &filter, &mut known).unwrap().list.open;
    server.makes_up(|_, _| Some(answer(502, "")));
    list(&server, &filter, &mut known).unwrap_err();
    server.makes_up_nothing();
    assert_eq!(list(&server, &filter, &mut known).unwrap().list.open, first);
    assert_eq!(server.asked(3), ["GET /repos/example/fleet/pulls 304"], "the entity tag is still known");
}

fn against(api_url: &str, limits: Limits) -> GithubError {
    let work = async {
        let client = client_of(api_url, Some(SECRET), limits);
        client.open_lock_updates(&LockUpdateFilter::default(), &mut KnownAnswers::default(), Timestamp::now()).await
    };
    block_on(work).unwrap_err()
}

#[test]
fn silence_refusal_and_a_torn_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let started = Instant::now();
    let short = Limits { request: Duration::from_secs(1), ..limits() };
    let error = against(&url, short).to_string();
    assert!(error.contains("did not answer within 1 seconds") && started.elapsed() < Duration::from_mins(1), "{error}");
    drop(listener);
    let error = against(&url, limits()).to_string();
    assert!(error.contains("cannot reach GitHub at 127.0.0.1:") && error.contains("refused"), "{error}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n[{{").unwrap();
    });
    let error = against(&url, limits()).to_string();
    assert!(error.contains("the connection broke off in the middle of an answer"), "{error}");
    server.join().unwrap();
    let error = against("https://127.0.0.1:9", limits()).to_string();
    assert!(error.contains("cannot reach GitHub at 127.0.0.1:9"), "{error}");
}

fn merging(server: &GithubServer, looked_at: &PullRequestDetails) -> Result<bool, GithubError> {
    let merge = async |client: GithubClient| client.merge(looked_at, MergeMethod::Merge).await;
    ask(server, merge).map(|merge| merge.was_merged_before)
}

#[test]
fn a_merge_that_is_refused_or_unclear() {
    let server = GithubServer::start();
    server.has(vec![Pull::update(7)]);
    let looked_at = ask(&server, async |client| client.pull_request(7).await).unwrap();
    let only_merge = |status: u16, message: &'static str| {
        move |method: &str, _: &str| (method == "PUT").then(|| answer(status, message))
    };
    for (status, message, expected) in [
        (
            405,
            "At least 1 approving review is required",
            "GitHub does not merge #7 (405: At least 1 approving review is required): fulfil the rules",
        ),
        (409, "Head branch was modified", "#7 was not merged (409: Head branch was modified): its branch has changed"),
        (422, "Validation Failed", "refuses to merge #7 of example/fleet (422: Validation Failed)"),
        (
            403,
            "Resource not accessible",
            "does not allow this token to merge #7 of example/fleet (403: Resource not accessible): give it the right \"Contents: write\"",
        ),
        (404, "Not Found", "does not find what is needed to merge #7"),
        (401, "Bad credentials", "does not accept the token"),
        (503, "", "#7 is not merged, and no answer says why (GitHub at"),
        (307, "Moved", "redirects to"),
    ] {
        server.makes_up(only_merge(status, message));
        let error = merging(&server, &looked_at).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nshould say: {expected}");
    }
    // The answer was lost on the way, and the merge was done.
    server.makes_up(only_merge(502, ""));
    server.change(7, |pull| pull.state = PullState::Merged("d".repeat(40)));
    assert!(!merging(&server, &looked_at).unwrap(), "it was this merge");
    server.makes_up(only_merge(405, "Pull Request is not mergeable"));
    assert!(merging(&server, &looked_at).unwrap(), "somebody was faster");
    server.change(7, |pull| pull.state = PullState::Closed);
    assert!(merging(&server, &looked_at).unwrap_err().to_string().contains("does not merge #7"), "closed meanwhile");
}

#[test]
fn a_revert_that_is_refused_or_unclear() {
    let server = GithubServer::start();
    server.has(vec![Pull { state: PullState::Merged("d".repeat(40)), ..Pull::update(7) }]);
    let merged = ask(&server, async |client| client.pull_request(7).await).unwrap();
    let said = |kind: &str, message: &str| {
        let errors = json!([{ "type": kind, "path": ["revertPullRequest"], "message": message }]);
        ResponseTemplate::new(200).set_body_json(json!({ "data": { "revertPullRequest": null }, "errors": errors }))
    };
    let reset = (Timestamp::now().as_second() + 600).to_string();
    let limit = said("RATE_LIMITED", "API rate limit exceeded")
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", reset.as_str());
    for (template, expected) in [
        (
            said("FORBIDDEN", "Resource not accessible by personal access token"),
            "does not allow this token to open a pull request that reverts #7 of example/fleet (403: Resource not accessible by personal access token): give it the right \"Contents: write\" and",
        ),
        (limit, "limit of requests is reached (200: API rate limit exceeded): nothing is asked before "),
        (
            said("UNPROCESSABLE", "Pull request cannot be reverted"),
            "refuses to open a pull request that reverts #7 of example/fleet (200: Pull request cannot be reverted)",
        ),
        (answer(401, "Bad credentials"), "does not accept the token (401)"),
        (answer(403, "Resource not accessible"), "(403: Resource not accessible): give it the right"),
        (
            answer(403, "You have exceeded a secondary rate limit").insert_header("retry-after", "30"),
            "limit of requests is reached (403",
        ),
        (answer(404, "Not Found"), "does not find what is needed to open a pull request that reverts #7"),
        (answer(429, "Too many"), "limit of requests is reached (429"),
        (answer(502, ""), "it is not known whether a pull request that reverts #7 was opened (GitHub at 127.0.0.1"),
        (
            ResponseTemplate::new(301).insert_header("location", "https://evil.example.org/graphql"),
            "redirects to https://evil.example.org/graphql, which is not followed",
        ),
        (ResponseTemplate::new(307).insert_header("location", "/elsewhere"), "redirects to /elsewhere"),
        (
            ResponseTemplate::new(200).set_body_string("{\"data\": {"),
            "(the answer is cut off): check github.api_url, or try again later): look at the list",
        ),
        (ResponseTemplate::new(200).set_body_json(json!({ "data": null })), "(200: no reason given)"),
    ] {
        server.makes_up(move |_, _| Some(template.clone()));
        let error = ask(&server, async |client| client.open_revert(&merged).await).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nshould say: {expected}");
        assert!(!error.contains(SECRET) && !error.contains('\n'), "{error}");
    }
}
