//! GitHub's recorded replies, and what its description says about requests that are wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod github_asking;

use github_asking::ask;
use nixfleet_core::github::{ChecksState, KnownAnswers};
use serde_json::json;
use wiremock::ResponseTemplate;
use world::github::{Exchange, GithubReference, GithubServer};

fn replaying(reply: &serde_json::Value) -> GithubServer {
    let (status, body) = (u16::try_from(reply["status"].as_u64().unwrap()).unwrap(), reply["response"].clone());
    let server = GithubServer::start();
    server.makes_up(move |_, _| {
        let template = ResponseTemplate::new(status);
        Some(
            body.as_str()
                .map_or_else(|| template.clone().set_body_json(&body), |text| template.clone().set_body_string(text)),
        )
    });
    server
}

#[test]
fn recorded_replies_are_understood() {
    let Some(reference) = GithubReference::get() else { return };
    let find = |scenario: &str, method: &str, status: u64, path: &str| {
        let all = reference.recorded(scenario);
        let is_it = |reply: &&serde_json::Value| {
            reply["method"] == method && reply["status"] == status && reply["path"].as_str().unwrap().ends_with(path)
        };
        all.iter().find(is_it).unwrap().clone()
    };

    let errors = replaying(&find("errors", "post", 422, "/labels"));
    let error = ask(&errors, async |client| client.changed_files(7).await).unwrap_err().to_string();
    assert!(error.contains("(422: Validation Failed: invalid)"), "{error}");

    let missing = replaying(&find("branch-protection", "get", 404, "/protection"));
    let error = ask(&missing, async |client| client.pull_request(7).await).unwrap_err().to_string();
    assert!(error.contains("does not find"), "{error}");

    let repository = replaying(&find("get-repository", "get", 200, ""));
    // The default branch is read from the recorded reply; the same reply is then no branch.
    let error =
        ask(&repository, async |client| client.branch_head(None, &mut KnownAnswers::default()).await).unwrap_err();
    assert!(error.to_string().contains("look at the branch "), "{error}");
    assert!(
        repository.exchanges()[1].path.starts_with("/repos/example/fleet/branches/ma"),
        "{:?}",
        repository.asked(0)
    );

    let renamed = replaying(&find("rename-repository", "get", 301, ""));
    let error = ask(&renamed, async |client| client.branch_head(None, &mut KnownAnswers::default()).await).unwrap_err();
    assert!(error.to_string().contains("redirects to"), "{error}");

    let raw = replaying(&find("get-content", "get", 200, "README.md"));
    let bytes = ask(&raw, async |client| client.flake_lock(&"1".repeat(40).parse().unwrap()).await).unwrap();
    assert_eq!(bytes.as_deref(), Some(&b"# hello-world"[..]));

    let status = find("create-status", "get", 200, "/status");
    let combined = status["response"].clone();
    let server = GithubServer::start();
    server.makes_up(move |_, path| {
        path.ends_with("/status").then(|| ResponseTemplate::new(200).set_body_json(&combined))
    });
    let checks = ask(&server, async |client| client.checks(&"1".repeat(40).parse().unwrap()).await).unwrap();
    assert_eq!(checks.state(), ChecksState::Failed, "{checks:?}");
}

#[test]
fn the_description_finds_what_is_wrong() {
    let Some(reference) = GithubReference::get() else { return };
    let right = Exchange {
        method: "PUT".to_owned(),
        path: "/repos/example/fleet/pulls/7/merge".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Some(json!({ "sha": "a", "merge_method": "squash" })),
        status: 200,
        reply: Some(json!({ "sha": "a", "merged": true, "message": "" })),
        is_made_up: false,
    };
    assert_eq!(reference.problems(&right), [] as [String; 0]);
    let list = Exchange {
        method: "GET".to_owned(),
        path: "/repos/example/fleet/pulls".to_owned(),
        body: None,
        reply: None,
        ..right.clone()
    };
    let query = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    for (wrong, expected) in [
        (Exchange { body: Some(json!({ "merge_method": "octopus" })), ..right.clone() }, "merge_method"),
        (Exchange { reply: Some(json!({ "sha": "a" })), ..right.clone() }, "merged"),
        (Exchange { path: "/repos/example/fleet/pulls/7/unite".to_owned(), ..right.clone() }, "no such operation"),
        (Exchange { query: query("order", "desc"), ..list.clone() }, "no parameter order"),
        (Exchange { query: query("sort", "age"), ..list.clone() }, "sort=age"),
        (Exchange { query: query("per_page", "many"), ..list.clone() }, "per_page=many"),
        (Exchange { reply: Some(json!([{ "number": 7 }])), ..list.clone() }, "required"),
    ] {
        let problems = reference.problems(&wrong).join("\n");
        assert!(problems.contains(expected), "{problems}\nshould name {expected}");
    }
}
