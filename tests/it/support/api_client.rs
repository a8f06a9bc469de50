//! A client of the management API with an API token.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::credentials::secret_token;
use candor::db::{api_tokens, page_settings};
use candor::domain::Manager;
use candor::domain::api_token::Scope;
use candor::domain::forms::NewApiToken;
use serde_json::Value;

use super::app::{Answer, Browser, TestApp};

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
        Self { browser, secret, root: format!("/v1/pages/{}", page.id) }
    }

    /// Sends `body` as JSON; a path that begins with a slash is relative to the page.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send_with(method, path, body.to_string(), &[]).await
    }

    /// Sends a body of any text with more headers.
    pub async fn send_with(&self, method: Method, path: &str, body: String, headers: &[(&str, &str)]) -> Answer {
        let address = if path.starts_with("/v1/") { path.to_owned() } else { format!("{}{path}", self.root) };
        let bearer = format!("OAuth {}", self.secret);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        self.browser.clone().send(method, &address, &all, Body::from(body)).await
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
