use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use server_fn::axum::handle_server_fn;

use crate::web::access::manager::{CanPublish, Manager};
use crate::web::{Error, MAX_BODY, Result, form};

/// Prefixes of the errors of a malformed call, as `server_fn` writes them.
const CLIENT_ERRORS: [&[u8]; 4] = [b"Args|", b"MissingArg|", b"Deserialization|", b"Request|"];
/// Prefix of an error that the function itself returns.
const FUNCTION_ERROR: &[u8] = b"ServerError|";

/// `POST /admin/islands/{call}`: the islands' server functions. Only publishers have islands; access is checked before
/// the body is read.
pub async fn call_server_function(_manager: Manager<CanPublish>, request: Request<Body>) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let unreadable = |_| Error::BadRequest("The call could not be read.".into());
    let bytes = to_bytes(body, MAX_BODY).await.map_err(unreadable)?;
    form::read_form(&bytes)?;
    let request = Request::from_parts(parts, Body::from(bytes));
    let response = handle_server_fn(request).await;
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return Ok(response);
    }
    let said = to_bytes(response.into_body(), MAX_BODY).await.map_err(unreadable)?;
    Err(classify_error(&said))
}

/// Distinguishes client errors from internal ones.
fn classify_error(said: &[u8]) -> Error {
    if CLIENT_ERRORS.iter().any(|begin| said.starts_with(begin)) {
        return Error::BadRequest("The arguments of the call are invalid.".into());
    }
    match said.strip_prefix(FUNCTION_ERROR) {
        Some(sentence) => Error::Unfit(String::from_utf8_lossy(sentence).into_owned()),
        None => Error::Internal(anyhow::anyhow!("an island's call failed: {}", String::from_utf8_lossy(said))),
    }
}
