//! An endpoint that gets messages.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

/// Answers with the given codes in turn, and then with 200. Returns challenges.
#[derive(Clone, Default)]
pub struct Endpoint {
    codes: Arc<Mutex<Vec<u16>>>,
    requests: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Endpoint {
    /// Also returns its URL.
    pub async fn open(host: &str, codes: &[u16]) -> (Self, String) {
        let endpoint = Self { codes: Arc::new(Mutex::new(codes.into())), requests: Arc::default() };
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (endpoint, url)
    }

    pub fn requests(&self) -> Vec<(HeaderMap, Value)> {
        self.requests.lock().unwrap().clone()
    }
}

async fn receive(FromState(endpoint): FromState<Endpoint>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    let body: Value = serde_json::from_str(&body).unwrap();
    let challenge = body["data"]["challenge"].as_str().unwrap_or_default().to_owned();
    endpoint.requests.lock().unwrap().push((headers, body));
    let mut codes = endpoint.codes.lock().unwrap();
    let code = if codes.is_empty() { 200 } else { codes.remove(0) };
    (StatusCode::from_u16(code).unwrap(), challenge)
}
