//! The server.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use nixfleet_core::Sha256;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::reference::GithubReference;
use super::replies;

/// One pull request.
#[derive(Debug, Clone)]
pub struct Pull {
    pub number: u64,
    pub title: String,
    pub author: String,
    pub files: Vec<String>,
    pub labels: Vec<String>,
    pub created_at: Timestamp,
    pub is_draft: bool,
    /// The full name of the fork that its branch is in.
    pub fork: Option<String>,
    pub base: String,
    pub base_revision: String,
    pub head: String,
    /// So many answers say that it is still computed whether it can be merged.
    pub computing: u32,
    pub mergeable: bool,
    pub mergeable_state: String,
    pub state: PullState,
    pub commits: u64,
    /// Check runs: name, status, conclusion.
    pub runs: Vec<(String, String, Option<String>)>,
    /// Commit statuses: context, state.
    pub statuses: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullState {
    Open,
    Closed,
    /// With the commit that the merge brought.
    Merged(String),
}

impl Pull {
    /// An update of `flake.lock`, an hour old for each number that it is below 100.
    pub fn update(number: u64) -> Self {
        let hours = i64::try_from(100 - number.min(100)).unwrap();
        Self {
            number,
            title: "flake.lock: update".to_owned(),
            author: "update-bot".to_owned(),
            files: vec!["flake.lock".to_owned()],
            labels: Vec::new(),
            created_at: Timestamp::from_second(1_767_200_000 - hours * 3600).unwrap(),
            is_draft: false,
            fork: None,
            base: "main".to_owned(),
            base_revision: "b".repeat(40),
            head: format!("{number:040x}"),
            computing: 0,
            mergeable: true,
            mergeable_state: "clean".to_owned(),
            state: PullState::Open,
            commits: 1,
            runs: Vec::new(),
            statuses: Vec::new(),
        }
    }
}

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Option<Value>,
    pub status: u16,
    /// Absent where the answer is no JSON.
    pub reply: Option<Value>,
    /// The answer was made up by the test.
    pub is_made_up: bool,
}

impl Exchange {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

type MadeUp = Box<dyn Fn(&str, &str) -> Option<ResponseTemplate> + Send>;
type OnMerge = Box<dyn FnMut(u64, &str) -> String + Send>;

struct Inner {
    repository: String,
    pulls: Vec<Pull>,
    tip: String,
    locks: Vec<(String, Vec<u8>)>,
    exchanges: Vec<Exchange>,
    made_up: Option<MadeUp>,
    on_merge: Option<OnMerge>,
    token: Option<String>,
    former_name: Option<String>,
    former_branch: Option<String>,
    distances: Vec<(String, u32, u32)>,
}

/// Until it is dropped. Then all that it heard and said is held against GitHub's description.
pub struct GithubServer {
    server: MockServer,
    inner: Arc<Mutex<Inner>>,
}

struct Answering(Arc<Mutex<Inner>>);

impl Respond for Answering {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.0.lock().unwrap().answer(request)
    }
}

impl GithubServer {
    /// Serves the repository `example/fleet`.
    pub fn start() -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST)
    }

    /// The same on all addresses of this host, for machines to reach.
    pub fn start_on_all_addresses() -> Self {
        Self::start_on(Ipv4Addr::UNSPECIFIED)
    }

    fn start_on(address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let inner = Arc::new(Mutex::new(Inner {
            repository: "example/fleet".to_owned(),
            pulls: Vec::new(),
            tip: "b".repeat(40),
            locks: Vec::new(),
            exchanges: Vec::new(),
            made_up: None,
            on_merge: None,
            token: None,
            former_name: None,
            former_branch: None,
            distances: Vec::new(),
        }));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(async {
            let server = MockServer::builder().listener(listener).start().await;
            Mock::given(any()).respond_with(Answering(Arc::clone(&inner))).mount(&server).await;
            server
        });
        Self { server, inner }
    }

    /// The address of its API, on this host.
    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// Has these pull requests from now on.
    pub fn has(&self, pulls: Vec<Pull>) {
        self.inner().pulls = pulls;
    }

    /// Changes one pull request.
    pub fn change(&self, number: u64, change: impl FnOnce(&mut Pull)) {
        change(self.inner().pulls.iter_mut().find(|pull| pull.number == number).unwrap());
    }

    /// The tip of `main`, and `flake.lock` of some commits.
    pub fn has_branch(&self, tip: &str, locks: &[(&str, &[u8])]) {
        let mut inner = self.inner();
        tip.clone_into(&mut inner.tip);
        inner.locks = locks.iter().map(|(revision, lock)| ((*revision).to_owned(), lock.to_vec())).collect();
    }

    /// Wants this token.
    pub fn wants_token(&self, token: &str) {
        self.inner().token = Some(token.to_owned());
    }

    /// Was called so before, and redirects.
    pub fn was_called(&self, full_name: &str) {
        self.inner().former_name = Some(full_name.to_owned());
    }

    /// `main` was called so before, and GitHub leads to it.
    pub fn main_was_called(&self, branch: &str) {
        self.inner().former_branch = Some(branch.to_owned());
    }

    /// Knows this commit too: how many commits only its history has, and only that of the tip.
    pub fn knows(&self, revision: &str, ahead: u32, behind: u32) {
        self.inner().distances.push((revision.to_owned(), ahead, behind));
    }

    /// Answers what is made up here (from method and path) instead of its own answers.
    pub fn makes_up(&self, answer: impl Fn(&str, &str) -> Option<ResponseTemplate> + Send + 'static) {
        self.inner().made_up = Some(Box::new(answer));
    }

    /// Answers by itself again.
    pub fn makes_up_nothing(&self) {
        self.inner().made_up = None;
    }

    /// Does this at a merge, with number and method; the result is the commit that the merge brought.
    pub fn on_merge(&self, merge: impl FnMut(u64, &str) -> String + Send + 'static) {
        self.inner().on_merge = Some(Box::new(merge));
    }

    /// All that was asked and answered.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.inner().exchanges.clone()
    }

    /// `METHOD path` of each request since the last call, and forgets none of them.
    pub fn asked(&self, since: usize) -> Vec<String> {
        let line = |exchange: &Exchange| format!("{} {} {}", exchange.method, exchange.path, exchange.status);
        self.inner().exchanges.iter().skip(since).map(line).collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
}

impl Drop for GithubServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let Some(reference) = GithubReference::get() else { return };
        let problems: Vec<String> = self.exchanges().iter().flat_map(|exchange| reference.problems(exchange)).collect();
        assert!(problems.is_empty(), "GitHub's description says otherwise:\n{}", problems.join("\n"));
    }
}

impl Inner {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let (method, path) = (request.method.to_string(), request.url.path().to_owned());
        let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let body = (!request.body.is_empty()).then(|| serde_json::from_slice(&request.body).unwrap());
        let headers = request.headers.iter();
        let headers: Vec<_> =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let mut exchange = Exchange { method, path, query, headers, body, status: 0, reply: None, is_made_up: false };
        let made_up = self.made_up.as_ref().and_then(|answer| answer(&exchange.method, &exchange.path));
        exchange.is_made_up = made_up.is_some();
        let reply = made_up.map_or_else(|| self.own(&exchange), |template| Reply::MadeUp(Box::new(template)));
        let template = match reply {
            Reply::MadeUp(template) => {
                exchange.status = 0;
                *template
            }
            Reply::Raw(bytes) => {
                exchange.status = 200;
                ResponseTemplate::new(200).set_body_raw(bytes, "application/vnd.github.raw+json; charset=utf-8")
            }
            Reply::Moved(to) => {
                exchange.status = 301;
                ResponseTemplate::new(301).insert_header("location", to)
            }
            Reply::Json(status, value, link) => {
                let etag = format!("W/\"{}\"", Sha256::of(value.to_string().as_bytes()));
                if status == 200 && exchange.method == "GET" && exchange.header("if-none-match") == Some(&etag) {
                    exchange.status = 304;
                    ResponseTemplate::new(304)
                } else {
                    exchange.status = status;
                    exchange.reply = Some(value.clone());
                    let template = ResponseTemplate::new(status).set_body_json(value).insert_header("etag", etag);
                    link.into_iter().fold(template, |template, link| template.insert_header("link", link))
                }
            }
        };
        self.exchanges.push(exchange);
        template.insert_header("x-ratelimit-limit", "5000")
    }

    fn own(&mut self, exchange: &Exchange) -> Reply {
        if let Some(token) = &self.token
            && exchange.header("authorization") != Some(&format!("Bearer {token}"))
        {
            let (status, message) =
                if exchange.header("authorization").is_some() { (401, "Bad credentials") } else { (404, "Not Found") };
            return Reply::error(status, message);
        }
        let path = exchange.path.as_str();
        if let Some(former) = &self.former_name
            && let Some(rest) = path.strip_prefix(&format!("/repos/{former}"))
        {
            let query: Vec<_> = exchange.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            return Reply::Moved(format!("/repositories/1296269{rest}?{}", query.join("&")));
        }
        if path == "/graphql" {
            return self.graphql(exchange);
        }
        let own = format!("/repos/{}", self.repository);
        let rest = path.strip_prefix(&own).or_else(|| path.strip_prefix("/repositories/1296269"));
        let Some(rest) = rest else { return Reply::error(404, "Not Found") };
        let parts: Vec<&str> = rest.split('/').skip(1).collect();
        match (exchange.method.as_str(), &parts[..]) {
            ("GET", []) => Reply::Json(200, replies::full_repository(&self.repository), None),
            ("GET", ["pulls"]) => self.list(exchange),
            ("GET", ["pulls", number]) => self.with_pull(number, |inner, place| {
                let pull = &mut inner.pulls[place];
                let is_computing = pull.computing > 0;
                pull.computing = pull.computing.saturating_sub(1);
                Reply::Json(200, replies::pull_request(&inner.repository, &inner.pulls[place], is_computing), None)
            }),
            ("GET", ["pulls", number, "files"]) => self.with_pull(number, |inner, place| {
                let files = inner.pulls[place].files.iter().map(|file| replies::changed_file(&inner.repository, file));
                paged(files.collect(), exchange)
            }),
            ("PUT", ["pulls", number, "merge"]) => self.with_pull(number, |inner, place| inner.merge(place, exchange)),
            ("GET", ["commits", revision, "check-runs"]) => {
                let runs = self.pulls.iter().filter(|pull| pull.head == *revision).flat_map(|pull| &pull.runs);
                let runs: Vec<Value> = runs.map(|run| replies::check_run(&self.repository, revision, run)).collect();
                let total = runs.len();
                let (runs, link) = page_of(runs, exchange);
                Reply::Json(200, json!({ "total_count": total, "check_runs": runs }), link)
            }
            ("GET", ["commits", revision, "status"]) => {
                let statuses = self.pulls.iter().filter(|pull| pull.head == *revision).flat_map(|pull| &pull.statuses);
                let statuses: Vec<Value> = statuses.map(|status| replies::status(&self.repository, status)).collect();
                let (statuses, link) = page_of(statuses, exchange);
                Reply::Json(200, replies::combined_status(&self.repository, revision, &statuses), link)
            }
            ("GET", ["branches", name @ ..]) if name.join("/") == "main" => {
                Reply::Json(200, replies::branch(&self.repository, "main", &self.tip), None)
            }
            ("GET", ["branches", name @ ..]) if self.former_branch.as_ref() == Some(&name.join("/")) => {
                Reply::Moved("/repositories/1296269/branches/main".to_owned())
            }
            ("GET", ["branches", ..]) => Reply::error(404, "Branch not found"),
            ("GET", ["compare", commits]) => {
                let (from, to) = commits.split_once("...").unwrap();
                let known = self.distances.iter().rfind(|(known, ..)| known == from).filter(|_| to == self.tip);
                known.map_or_else(
                    || Reply::error(404, "Not Found"),
                    |(_, ahead, behind)| {
                        let reply = replies::comparison(&self.repository, from, to, *behind, *ahead);
                        Reply::Json(200, reply, None)
                    },
                )
            }
            ("GET", ["contents", "flake.lock"]) => {
                let wanted = exchange.query.iter().find(|(name, _)| name == "ref").map(|(_, value)| value.as_str());
                let lock = self.locks.iter().find(|(revision, _)| Some(revision.as_str()) == wanted);
                lock.map_or_else(|| Reply::error(404, "Not Found"), |(_, lock)| Reply::Raw(lock.clone()))
            }
            _ => Reply::error(404, "Not Found"),
        }
    }

    fn with_pull(&mut self, number: &str, answer: impl FnOnce(&mut Self, usize) -> Reply) -> Reply {
        let place = self.pulls.iter().position(|pull| pull.number.to_string() == number);
        match place {
            Some(place) => answer(self, place),
            None => Reply::error(404, "Not Found"),
        }
    }

    fn list(&self, exchange: &Exchange) -> Reply {
        let wanted =
            |name: &str| exchange.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
        let base = wanted("base");
        let mut open: Vec<&Pull> = self
            .pulls
            .iter()
            .filter(|pull| pull.state == PullState::Open && base.as_ref().is_none_or(|base| *base == pull.base))
            .collect();
        open.sort_by_key(|pull| std::cmp::Reverse(pull.created_at));
        paged(open.iter().map(|pull| replies::listed_pull_request(&self.repository, pull)).collect(), exchange)
    }

    fn merge(&mut self, place: usize, exchange: &Exchange) -> Reply {
        let body = exchange.body.as_ref().unwrap();
        let pull = &self.pulls[place];
        if pull.state != PullState::Open || pull.is_draft || !pull.mergeable {
            return Reply::error(405, "Pull Request is not mergeable");
        }
        if body["sha"] != pull.head {
            return Reply::error(409, "Head branch was modified. Review and try the merge again.");
        }
        let (number, method) = (pull.number, body["merge_method"].as_str().unwrap_or("merge").to_owned());
        let revision = self.on_merge.as_mut().map_or_else(|| "d".repeat(40), |merge| merge(number, &method));
        self.pulls[place].state = PullState::Merged(revision.clone());
        Reply::Json(
            200,
            json!({ "sha": revision, "merged": true, "message": "Pull Request successfully merged" }),
            None,
        )
    }

    fn graphql(&mut self, exchange: &Exchange) -> Reply {
        let input = &exchange.body.as_ref().unwrap()["variables"]["input"];
        let id = input["pullRequestId"].as_str().unwrap_or_default();
        let Some(pull) = self.pulls.iter().find(|pull| replies::node_id(pull.number) == id) else {
            let errors = json!([{ "type": "NOT_FOUND", "message": format!("Could not resolve to a node with the global id of '{id}'") }]);
            return Reply::Json(200, json!({ "data": { "revertPullRequest": null }, "errors": errors }), None);
        };
        let number = self.pulls.iter().map(|pull| pull.number).max().unwrap_or_default() + 1;
        let title = format!("Revert \"{}\"", pull.title);
        let opened = Pull { title: title.clone(), ..Pull::update(number) };
        self.pulls.push(opened);
        let url = format!("https://github.com/{}/pull/{number}", self.repository);
        let opened = json!({ "number": number, "url": url, "title": title });
        Reply::Json(200, json!({ "data": { "revertPullRequest": { "revertPullRequest": opened } } }), None)
    }
}

enum Reply {
    Json(u16, Value, Option<String>),
    Raw(Vec<u8>),
    Moved(String),
    MadeUp(Box<ResponseTemplate>),
}

impl Reply {
    fn error(status: u16, message: &str) -> Self {
        let documentation = "https://docs.github.com/rest";
        let body = json!({ "message": message, "documentation_url": documentation, "status": status.to_string() });
        Self::Json(status, body, None)
    }
}

fn paged(all: Vec<Value>, exchange: &Exchange) -> Reply {
    let (items, link) = page_of(all, exchange);
    Reply::Json(200, Value::Array(items), link)
}

/// The page that is asked for, and the header `link` where there are more.
fn page_of(all: Vec<Value>, exchange: &Exchange) -> (Vec<Value>, Option<String>) {
    let number = |name: &str, default: usize| {
        let found = exchange.query.iter().find(|(found, _)| found == name);
        found.map_or(default, |(_, value)| value.parse().unwrap())
    };
    let (size, page) = (number("per_page", 30), number("page", 1));
    let has_next = all.len() > size * page;
    let items: Vec<Value> = all.into_iter().skip(size * (page - 1)).take(size).collect();
    let link = has_next.then(|| {
        format!(
            "<https://api.github.com{}?page={}>; rel=\"next\", <https://api.github.com/x>; rel=\"last\"",
            exchange.path,
            page + 1
        )
    });
    (items, link)
}
