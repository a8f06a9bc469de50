//! Endpoints: which URLs may be subscribed, and the challenge that proves that an endpoint wants messages.

use std::time::Duration;

use axum::http::{Method, Request, header};
use serde_json::json;
use url::Url;

use crate::credentials::secret_token::fresh_token;
use crate::db::{self, subscribers};
use crate::domain::Subscriber;
use crate::domain::subscriber::Channel;
use crate::net::http_client::{HttpClient, HttpClientError, ResponseLimits};
use crate::state::State;
use crate::web::Result;

/// The response that a challenge may have.
const LIMITS: ResponseLimits = ResponseLimits { time: Duration::from_secs(10), size: 8 * 1024 };
const CHALLENGE_HEADER: &str = "webhook-challenge";

/// The URL and its channel: endpoints of chat services are known by their host. The message is for the visitor.
pub fn check_endpoint(state: &State, chosen: Channel, text: &str) -> std::result::Result<(Channel, Url), String> {
    let example = "Enter a URL like https://hooks.example.org/status.";
    // The parser drops these silently, so the URL would not be the one that was typed.
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(example.to_owned());
    }
    let url = Url::parse(text).map_err(|_| example.to_owned())?;
    if !["https", "http"].contains(&url.scheme()) {
        return Err(example.to_owned());
    }
    let client = HttpClient::new([], LIMITS).map_err(|_| "No endpoint can be checked right now.".to_owned())?;
    client.check_url(&url).map_err(|error| match error {
        HttpClientError::Refused(_, why) => format!("This URL can't be used: {why}."),
        other => other.to_string(),
    })?;
    let host = url.host_str().unwrap_or_default();
    if Url::parse(&state.origin).is_ok_and(|own| own.host_str() == Some(host)) {
        return Err("This is the status page itself.".to_owned());
    }
    match (chosen, Channel::of_host(host)) {
        (Channel::Webhook, found) => Ok((found.unwrap_or(Channel::Webhook), url)),
        (chosen, Some(found)) if chosen == found => Ok((chosen, url)),
        (chosen, _) => Err(format!("This is not a webhook URL of {}.", chosen.words())),
    }
}

/// Sends a challenge to the endpoint of a webhook. Chat services can't return it; they are known by their host.
/// The message says why the endpoint was not verified.
pub async fn verify_endpoint(state: &State, subscriber: &Subscriber) -> Result<std::result::Result<(), String>> {
    if subscriber.channel != Channel::Webhook {
        return Ok(Ok(()));
    }
    let Some(endpoint) = open_endpoint(state, subscriber).await? else { return Ok(Ok(())) };
    let client = HttpClient::new([], LIMITS).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(send_challenge(&client, &endpoint, state.clock.now().timestamp()).await)
}

/// The decrypted endpoint of a subscriber; `None` for e-mail.
pub async fn open_endpoint(state: &State, subscriber: &Subscriber) -> Result<Option<Url>> {
    let mut tx = state.db.read().await?;
    let address = subscribers::find_address(&mut tx, &subscriber.id).await?;
    drop(tx);
    let Some(sealed) = address.endpoint else { return Ok(None) };
    let opened = state.secret_key.open(subscriber.id.as_str(), &sealed)?;
    let text = String::from_utf8(opened).map_err(db::Error::other)?;
    Ok(Some(Url::parse(&text).map_err(db::Error::other)?))
}

async fn send_challenge(client: &HttpClient, endpoint: &Url, timestamp: i64) -> std::result::Result<(), String> {
    let challenge = fresh_token();
    let at = chrono::DateTime::from_timestamp(timestamp, 0).unwrap_or_default().to_rfc3339();
    let body = json!({ "type": "webhook.verification", "timestamp": at, "data": { "challenge": challenge } });
    let request = Request::builder()
        .method(Method::POST)
        .uri(endpoint.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_string().into_bytes())
        .map_err(|_| "The endpoint's URL can't be requested.".to_owned())?;
    let response = client.send(request).await.map_err(|error| match error {
        HttpClientError::Refused(_, why) => format!("The endpoint can't be used: {why}."),
        HttpClientError::TooLong(limit) => format!("The endpoint's response is longer than {limit} bytes."),
        HttpClientError::Failed(_) => "The endpoint did not answer within 10 seconds.".to_owned(),
    })?;
    if !response.status().is_success() {
        return Err(format!("The endpoint answered with status {}.", response.status().as_u16()));
    }
    let in_header = response.headers().get(CHALLENGE_HEADER).is_some_and(|value| value == challenge.as_str());
    let in_body = String::from_utf8_lossy(response.body()).contains(&challenge);
    if in_header || in_body { Ok(()) } else { Err("The endpoint did not return the challenge.".to_owned()) }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with what `answer` makes of its body.
    async fn verify(answer: fn(&str) -> String) -> std::result::Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/hook", listener.local_addr().unwrap())).unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            while !read.ends_with(b"}}") {
                let mut chunk = [0; 1024];
                let count = stream.read(&mut chunk).await.unwrap();
                read.extend_from_slice(&chunk[..count]);
            }
            let request = String::from_utf8(read).unwrap();
            let challenge = request.split("\"challenge\":\"").nth(1).unwrap().split('"').next().unwrap();
            stream.write_all(answer(challenge).as_bytes()).await.unwrap();
        });
        let client = HttpClient::new([&url], LIMITS).unwrap();
        let verified = send_challenge(&client, &url, 1_800_000_000).await;
        serving.await.unwrap();
        verified
    }

    fn response(head: &str, body: &str) -> String {
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn challenge_counts_in_body_or_header() {
        assert_eq!(verify(|challenge| response("200 OK", &format!("{{\"challenge\":\"{challenge}\"}}"))).await, Ok(()));
        let in_header = |challenge: &str| response(&format!("204 No Content\r\nwebhook-challenge: {challenge}"), "");
        assert_eq!(verify(in_header).await, Ok(()));
    }

    #[tokio::test]
    async fn endpoint_without_challenge_is_not_verified() {
        let refused = verify(|_| response("200 OK", "thanks")).await.unwrap_err();
        assert_eq!(refused, "The endpoint did not return the challenge.");
        let refused = verify(|challenge| response("404 Not Found", challenge)).await.unwrap_err();
        assert_eq!(refused, "The endpoint answered with status 404.");
        let moved = |challenge: &str| response("302 Found\r\nlocation: http://127.0.0.1:1/", challenge);
        assert_eq!(verify(moved).await.unwrap_err(), "The endpoint answered with status 302.");
        let long = |challenge: &str| response("200 OK", &format!("{challenge}{}", "x".repeat(9000)));
        assert!(verify(long).await.unwrap_err().contains("longer than 8192 bytes"));
    }
}
