//! A client of the management API with an API token.

use std::sync::OnceLock;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::credentials::secret_token;
use candor::db::{api_tokens, page_settings};
use candor::domain::Manager;
use candor::domain::api_token::Scope;
use candor::domain::forms::NewApiToken;
use serde_json::{Value, json as json_value};

use super::app::{Answer, Browser, TestApp};

/// The OpenAPI document of the API.
static DOCUMENT: OnceLock<Value> = OnceLock::new();

#[derive(Clone)]
pub struct ApiClient {
    pub browser: Browser,
    pub secret: String,
    /// The path of the page: `/v1/pages/ID`.
    pub root: String,
}

impl ApiClient {
    /// Creates a token of `manager` and a client that uses it.
    pub async fn new(app: &TestApp, manager: &Manager, name: &str, scope: Scope) -> Self {
        let secret = secret_token::fresh_api_token();
        let new = NewApiToken { name: name.into(), scope, days: 365 };
        let mut tx = app.db.write().await.unwrap();
        let page = page_settings::load(&mut tx).await.unwrap();
        api_tokens::create(&mut tx, manager, new, (&secret_token::hash_token(&secret), "last"), app.clock.now())
            .await
            .unwrap();
        tx.commit_unaudited().await.unwrap();
        let mut browser = app.visitor();
        browser.peer = Some([127, 0, 0, 1].into());
        if DOCUMENT.get().is_none() {
            let document = browser.clone().get("/v1/openapi.json").await;
            drop(DOCUMENT.set(json(&document)));
        }
        Self { browser, secret, root: format!("/v1/pages/{}", page.id) }
    }

    /// Sends `body` as JSON; a path that begins with a slash is relative to the page.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send_with(method, path, body.to_string(), &[]).await
    }

    /// Sends a body of any text with more headers. Fails unless the answer is as the OpenAPI document says.
    pub async fn send_with(&self, method: Method, path: &str, body: String, headers: &[(&str, &str)]) -> Answer {
        let address = if path.starts_with("/v1/") { path.to_owned() } else { format!("{}{path}", self.root) };
        let bearer = format!("OAuth {}", self.secret);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        let answer = self.browser.clone().send(method.clone(), &address, &all, Body::from(body)).await;
        assert_documented(&method, &address, &answer);
        answer
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> impl Future<Output = Value> {
        let (program, path) = (self.clone(), path.to_owned());
        async move {
            let answer = program.send_with(Method::GET, &path, String::new(), &[]).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
            json(&answer)
        }
    }

    /// Creates something; fails unless the API accepts it.
    pub async fn make(&self, path: &str, body: &Value) -> Value {
        let answer = self.send(Method::POST, path, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.text());
        json(&answer)
    }

    /// Changes something; fails unless the API accepts it.
    pub async fn change(&self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        json(&answer)
    }

    pub async fn wrong(&self, method: Method, path: &str, body: &Value) -> Vec<String> {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {body}: {}", answer.text());
        let document = json(&answer);
        assert!(document["error"].is_string() && document["message"].is_string(), "{document}");
        let errors = document["errors"].as_array().unwrap();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }
}

#[track_caller]
pub fn json(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), "application/json", "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

/// Fails unless the OpenAPI document describes the answer. Unknown paths and methods are not in it.
fn assert_documented(method: &Method, address: &str, answer: &Answer) {
    let document = DOCUMENT.get().expect("a client was created");
    let path = address.split('?').next().unwrap();
    let path = path.strip_suffix(".json").unwrap_or(path);
    let method = method.as_str().to_ascii_lowercase();
    let paths = document["paths"].as_object().unwrap().iter();
    let matching =
        paths.filter(|(template, operations)| matches_template(path, template) && operations.get(&method).is_some());
    // `…/subscribers/count` is more specific than `…/subscribers/{subscriber}`.
    let Some((_, operations)) = matching.min_by_key(|(template, _)| template.matches('{').count()) else { return };
    let mut response = &operations[&method]["responses"][answer.status.as_str()];
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(&reference[1..]).unwrap();
    }
    assert!(response.is_object(), "{method} {address}: {} is not documented", answer.status);
    let schema = &response["content"]["application/json"]["schema"];
    if schema.is_null() {
        assert!(answer.body.is_empty(), "{method} {address}: {}", answer.text());
        return;
    }
    let whole = json_value!({ "allOf": [schema], "components": document["components"] });
    let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
    let value = json(answer);
    let errors: Vec<String> =
        validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, [""; 0], "{method} {address}");
}

fn matches_template(path: &str, template: &str) -> bool {
    let (parts, names): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
    parts.len() == names.len() && parts.iter().zip(names).all(|(part, name)| name.starts_with('{') || *part == name)
}
