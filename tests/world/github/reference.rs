//! GitHub's own description of its API, as `tests/github-reference` fetches it.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::server::Exchange;

/// The description, for those who hold requests and replies against it.
pub struct GithubReference {
    directory: PathBuf,
    description: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl GithubReference {
    /// None, said aloud even for a test that passes, where it cannot be fetched.
    pub fn get() -> Option<&'static Self> {
        static REFERENCE: OnceLock<Result<GithubReference, String>> = OnceLock::new();
        match REFERENCE.get_or_init(fetch) {
            Ok(reference) => Some(reference),
            Err(reason) => {
                let test = std::thread::current().name().unwrap_or_default().to_owned();
                // Straight to the descriptor: what `eprintln` writes is shown for failing tests only.
                let mut standard_error = std::io::stderr();
                writeln!(
                    standard_error,
                    "SKIPPED: {test}: requests and replies are not held against GitHub's own description: {reason}"
                )
                .unwrap();
                None
            }
        }
    }

    /// The recorded replies of this name.
    pub fn recorded(&self, scenario: &str) -> Vec<Value> {
        let path = format!("fixtures/scenarios/api.github.com/{scenario}/normalized-fixture.json");
        serde_json::from_slice(&std::fs::read(self.directory.join(path)).unwrap()).unwrap()
    }

    /// The GraphQL schema.
    pub fn graphql_schema(&self) -> String {
        std::fs::read_to_string(self.directory.join("graphql-schema/schema.graphql")).unwrap()
    }

    /// What of this exchange is not as GitHub describes it.
    pub fn problems(&self, exchange: &Exchange) -> Vec<String> {
        if exchange.path == "/graphql" {
            return self.graphql_problems(exchange);
        }
        let shown = format!("{} {}", exchange.method, exchange.path);
        let Some((template, operation)) = self.operation(exchange) else {
            return vec![format!("{shown}: there is no such operation")];
        };
        let mut problems = self.query_problems(&shown, operation, exchange);
        let body_schema = self.resolved(&operation["requestBody"])["content"]["application/json"]["schema"].clone();
        match &exchange.body {
            Some(body) => {
                let key = format!("{} {template} request", exchange.method);
                problems.extend(
                    self.against(&key, &body_schema, body).map(|problem| format!("{shown}: request: {problem}")),
                );
            }
            None if operation["requestBody"]["required"] == true => problems.push(format!("{shown}: no body")),
            None => {}
        }
        if let Some(reply) = exchange.reply.as_ref().filter(|_| !exchange.is_made_up) {
            let status = exchange.status.to_string();
            let described = self.resolved(&operation["responses"][&status]);
            let schema = match &described["content"]["application/json"]["schema"] {
                // What is not described for an operation (401, 404 of a list) looks like all errors.
                Value::Null => json!({ "$ref": "#/components/schemas/basic-error" }),
                schema => schema.clone(),
            };
            let key = format!("{} {template} {status}", exchange.method);
            problems.extend(
                self.against(&key, &schema, reply).map(|problem| format!("{shown}: reply {status}: {problem}")),
            );
        }
        problems
    }

    /// The operation whose path has the fewest variables.
    fn operation(&self, exchange: &Exchange) -> Option<(String, &Value)> {
        // Redirections lead to the repository by its number.
        let path = exchange.path.replacen("/repositories/1296269", "/repos/example/fleet", 1);
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let wanted: Vec<&str> = template.split('/').collect();
            wanted.len() == parts.len()
                && wanted.iter().zip(&parts).all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
        };
        let paths = self.description["paths"].as_object().unwrap();
        let fitting = paths.keys().filter(|template| fits(template));
        let template = fitting.min_by_key(|template| template.matches('{').count())?;
        let operation = paths[template].get(exchange.method.to_ascii_lowercase())?;
        Some((template.clone(), operation))
    }

    fn query_problems(&self, shown: &str, operation: &Value, exchange: &Exchange) -> Vec<String> {
        let parameters: Vec<&Value> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| self.resolved(parameter))
            .collect();
        let check = |(name, text): &(String, String)| {
            let found = parameters.iter().find(|parameter| parameter["in"] == "query" && parameter["name"] == **name);
            let Some(parameter) = found else { return Some(format!("{shown}: no parameter {name}")) };
            let value = match parameter["schema"]["type"].as_str() {
                Some("integer") => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
                _ => json!(text),
            };
            let problem = self.against(&format!("{shown} {name}"), &parameter["schema"], &value)?;
            Some(format!("{shown}: {name}={text}: {problem}"))
        };
        exchange.query.iter().filter_map(check).collect()
    }

    fn graphql_problems(&self, exchange: &Exchange) -> Vec<String> {
        let schema = self.graphql_schema();
        let fields_of = |name: &str| -> Vec<String> {
            let block = schema.split(&format!("\n{name} ")).nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
            let field = |line: &str| line.strip_prefix("  ")?.split([':', '(']).next().map(str::to_owned);
            block.lines().filter_map(field).collect()
        };
        let body = exchange.body.as_ref().unwrap();
        let mut problems = Vec::new();
        let mut lacks = |name: &str, field: &str| {
            if !fields_of(name).iter().any(|found| found == field) {
                problems.push(format!("{name} has no field {field}"));
            }
        };
        for field in body["variables"]["input"].as_object().unwrap().keys() {
            lacks("input RevertPullRequestInput", field);
        }
        lacks("type Mutation", "revertPullRequest");
        lacks("type RevertPullRequestPayload", "revertPullRequest");
        // What our server opened, field by field.
        let opened = exchange.reply.as_ref().filter(|_| !exchange.is_made_up);
        let opened = opened.and_then(|reply| reply["data"]["revertPullRequest"]["revertPullRequest"].as_object());
        for (field, value) in opened.into_iter().flatten() {
            lacks("type PullRequest implements", field);
            let is_right = if field == "number" { value.is_u64() } else { value.is_string() };
            assert!(is_right, "{field}: {value}");
        }
        let query = body["query"].as_str().unwrap();
        let innermost = query.rsplit('{').next().unwrap().split('}').next().unwrap();
        for field in innermost.split_whitespace() {
            lacks("type PullRequest implements", field);
        }
        problems
    }

    /// Follows one reference.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.description.pointer(pointer).unwrap(),
            None => value,
        }
    }

    fn against(&self, key: &str, schema: &Value, instance: &Value) -> Option<String> {
        let known = self.validators.lock().unwrap().get(key).cloned();
        let validator = known.unwrap_or_else(|| {
            let validator = Arc::new(jsonschema::draft4::new(&self.whole(schema)).unwrap());
            self.validators.lock().unwrap().insert(key.to_owned(), Arc::clone(&validator));
            validator
        });
        let errors: Vec<String> = validator
            .iter_errors(instance)
            .take(3)
            .map(|error| {
                format!("{}: {}", error.instance_path(), error.to_string().chars().take(200).collect::<String>())
            })
            .collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    }

    /// The schema with all that it refers to.
    fn whole(&self, schema: &Value) -> Value {
        let mut schemas = Map::new();
        let mut waiting = vec![schema.clone()];
        while let Some(next) = waiting.pop() {
            for name in references(&next) {
                if !schemas.contains_key(&name) {
                    let found = &self.description["components"]["schemas"][&name];
                    schemas.insert(name, with_null(found.clone()));
                    waiting.push(found.clone());
                }
            }
        }
        json!({ "allOf": [with_null(schema.clone())], "components": { "schemas": schemas } })
    }
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| match value.as_str().and_then(|text| text.strip_prefix("#/components/schemas/")) {
                Some(name) if key == "$ref" => vec![name.to_owned()],
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// `nullable`, which OpenAPI 3.0 has and JSON Schema has not, and without examples, which are not schemas.
fn with_null(value: Value) -> Value {
    match value {
        Value::Object(mut object) => {
            let is_schema = object.contains_key("type") || object.contains_key("properties");
            if is_schema {
                object.remove("example");
                object.remove("examples");
            }
            let is_nullable = object.get("nullable") == Some(&Value::Bool(true));
            let inner: Map<String, Value> = object.into_iter().map(|(key, value)| (key, with_null(value))).collect();
            if is_nullable { json!({ "anyOf": [inner, { "type": "null" }] }) } else { Value::Object(inner) }
        }
        Value::Array(items) => Value::Array(items.into_iter().map(with_null).collect()),
        other => other,
    }
}

fn fetch() -> Result<GithubReference, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("github-reference");
    let output = Command::new(script).output().unwrap();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        assert_eq!(output.status.code(), Some(77), "{said}");
        return Err(said.lines().last().unwrap_or_default().to_owned());
    }
    let directory = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let description = std::fs::read(directory.join("openapi/generated/api.github.com.json")).unwrap();
    let description = serde_json::from_slice(&description).unwrap();
    Ok(GithubReference { directory, description, validators: Mutex::default() })
}
