//! The text in a submitted form, which an error page returns after any failure.
//!
//! The body of a form is read before its handler runs. What a page returns is limited in size and has no secrets.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Method, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::BytesMut;
use futures_util::stream;
use http_body_util::BodyExt as _;

use crate::domain::forms::{ADD_UPDATE, PAST_INCIDENT, REMOVE_UPDATE};
use crate::import::subscriber_list::MAX_LIST;
use crate::logo::{MAX_FAVICON, MAX_FAVICON_UPLOAD, MAX_LOGO, MAX_UPLOAD};
use crate::ui::pages::admin::TypedForm;
use crate::web::access::routes::Access;
use crate::web::edge::body_timeout::is_body_timeout;
use crate::web::edge::threads::has_session;
use crate::web::error::wants_json;
use crate::web::form::{MAX_FIELDS, MAX_NAME, escaped_len, is_utf8};
use crate::web::{Error, MAX_BODY};

/// Largest body, in bytes, without a login: an address, a password, the response of a passkey.
const MAX_PUBLIC_BODY: usize = 16 * 1024;
/// The form that takes a list of subscribers, and its largest body in bytes: the list and the other fields.
const LIST_IMPORT: &str = "/admin/subscribers/import";
const MAX_LIST_BODY: usize = MAX_LIST + 64 * 1024;
/// The forms that take two logos and a favicon, and their largest body in bytes: the files, those kept from the last time in base64,
/// and the other fields.
const BRAND_FORMS: [&str; 2] = ["/admin/brand", "/admin/setup/brand"];
const IMAGE_FIELDS: [&str; 3] = ["logo", "logo_dark", "favicon"];
const BRAND_PREVIEW: &str = "/admin/brand/preview";
const MAX_BRAND_BODY: usize = 2 * MAX_UPLOAD + MAX_FAVICON_UPLOAD + (2 * MAX_LOGO + MAX_FAVICON) * 4 / 3 + MAX_TEXTS;
const MAX_TEXTS: usize = 128 * 1024;
/// How much of a larger body is read and dropped, in bytes: a browser that is still sending ignores the response.
const MAX_DROPPED: usize = 4 * 1024 * 1024;
/// Largest HTML that returns text to a manager, in bytes.
pub(in crate::web) const MAX_ECHO_MANAGER: usize = MAX_BODY;
/// Largest HTML that returns text without a login, in bytes: the longest message in the widest script.
pub(in crate::web) const MAX_ECHO_ANONYMOUS: usize = 128 * 1024;
/// HTML around the text of a field, visible or hidden, in bytes.
const VISIBLE_FIELD_COST: usize = 400;
const HIDDEN_FIELD_COST: usize = 50;

/// Fields without text, which are hidden in the returned form.
const HIDDEN_FIELDS: [&str; 21] = [
    "version",
    "new_id",
    "kept_logo",
    "kept_logo_dark",
    "kept_favicon",
    PAST_INCIDENT,
    "draft",
    "draft_version",
    "preview",
    "save_draft",
    "preview_page",
    "next",
    "path",
    "kept",
    "username",
    "zone",
    "notify_switch",
    "notify",
    "notify_backfill",
    "notify_steps_shown",
    "notify_steps",
];
/// Single-use values: the page asks for them again.
const ONE_TIME_FIELDS: [&str; 2] = ["code", "proof_code"];
/// Buttons beside the one that saves.
const BUTTONS: [&str; 6] = ["preview", "preview_page", "save_draft", "confirm_status", ADD_UPDATE, REMOVE_UPDATE];
/// Responses of a device, which an error page can't request again.
const PASSKEY_FIELDS: [&str; 2] = ["credential", "proof_passkey"];

#[derive(Clone, Debug)]
pub struct SubmittedForm {
    pub address: String,
    /// Whether the route requires a login.
    pub is_guarded: bool,
    bytes: Bytes,
    /// The URL-encoded fields; `None` if the body is not a form that a browser shows.
    fields: Option<Bytes>,
    end: BodyEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyEnd {
    Whole,
    TooLarge,
    TooSlow,
    Broken,
}

impl SubmittedForm {
    pub async fn read(parts: &Parts, access: Access, body: Body) -> Self {
        let is_guarded = access != Access::Public;
        let max = match is_guarded {
            // An invented cookie does not raise the limit.
            true if parts.uri.path() == LIST_IMPORT && has_session(&parts.headers) => MAX_LIST_BODY,
            true if takes_images(parts.uri.path()) && has_session(&parts.headers) => MAX_BRAND_BODY,
            true => MAX_BODY,
            false => MAX_PUBLIC_BODY,
        };
        let (bytes, end) = read_body(body, max).await;
        let path = parts.uri.path();
        // Calls of scripts are not forms that a browser shows.
        let called = path.starts_with("/admin/islands/") || wants_json(path, &parts.headers);
        let fields = match called || parts.method != Method::POST {
            true => None,
            false if is_form(parts) => Some(bytes.clone()),
            false if BRAND_FORMS.contains(&path) => url_encode_parts(parts, &bytes).await,
            false => None,
        };
        let address = parts.uri.path_and_query().map_or(path, |whole| whole.as_str()).to_owned();
        Self { address, is_guarded, bytes, fields, end }
    }

    pub fn body(&self) -> Body {
        self.bytes.clone().into()
    }

    /// Why the body can't be used.
    pub fn error(&self) -> Option<Error> {
        match self.end {
            BodyEnd::Whole => None,
            BodyEnd::TooLarge => Some(Error::TooLarge),
            BodyEnd::TooSlow => Some(Error::TooSlow),
            BodyEnd::Broken => Some(Error::BadRequest("The form did not arrive completely.".into())),
        }
    }

    /// The fields to continue with after a login, URL-encoded: without secrets, and without the button that was
    /// pressed. `None` if the form is incomplete, or was sent for the preview while someone writes.
    pub fn pending_fields(&self) -> Option<String> {
        let fields = self.fields.as_ref().filter(|fields| self.end == BodyEnd::Whole && is_utf8(fields))?;
        if url::form_urlencoded::parse(fields).any(|(name, _)| name == "live") {
            return None;
        }
        let is_kept = |name: &str| {
            !is_secret_field(name)
                && ![&ONE_TIME_FIELDS[..], &PASSKEY_FIELDS, &BUTTONS].iter().any(|names| names.contains(&name))
        };
        let kept = url::form_urlencoded::parse(fields).filter(|(name, _)| is_kept(name));
        Some(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish())
    }

    /// The submitted text in at most `room` bytes of HTML; `None` if the body is not a form.
    pub fn typed(&self, room: usize) -> Option<TypedForm> {
        self.fields.as_ref().map(|fields| {
            let mut typed = typed_fields(fields, room);
            typed.is_whole &= self.end == BodyEnd::Whole;
            typed
        })
    }
}

/// Reads at most `max` bytes of a body.
async fn read_body(mut body: Body, max: usize) -> (Bytes, BodyEnd) {
    let (mut bytes, mut dropped) = (BytesMut::new(), 0);
    let mut end = BodyEnd::Whole;
    while let Some(frame) = body.frame().await {
        let data = match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(data)) => data,
            Ok(Err(_)) => continue,
            // A later error does not change that the body is too large.
            Err(_) if end == BodyEnd::TooLarge => break,
            Err(error) => {
                end = if is_body_timeout(&error) { BodyEnd::TooSlow } else { BodyEnd::Broken };
                break;
            }
        };
        let room = (max - bytes.len()).min(data.len());
        bytes.extend_from_slice(&data[..room]);
        if room < data.len() {
            end = BodyEnd::TooLarge;
            dropped += data.len() - room;
        }
        if dropped > MAX_DROPPED {
            break;
        }
    }
    (bytes.freeze(), end)
}

/// The fields of a multipart form, URL-encoded, as far as they can be read. A file that is no larger than a stored image
/// becomes the field that carries it through a form that is shown again, instead of an earlier one; a larger one must be
/// chosen again.
async fn url_encode_parts(parts: &Parts, bytes: &Bytes) -> Option<Bytes> {
    let kind = parts.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = multer::parse_boundary(kind).ok()?;
    let whole = bytes.clone();
    let mut form = multer::Multipart::new(stream::once(async { Ok::<_, Infallible>(whole) }), boundary);
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    while let Ok(Some(part)) = form.next_field().await {
        let (name, is_file) = (part.name().unwrap_or_default().to_owned(), part.file_name().is_some());
        let Ok(value) = part.bytes().await else { break };
        if !is_file {
            fields.push((name, String::from_utf8_lossy(&value).into_owned()));
        } else if !value.is_empty() && IMAGE_FIELDS.contains(&name.as_str()) {
            files.push((format!("kept_{name}"), value));
        }
        if fields.len() + files.len() > MAX_FIELDS {
            break;
        }
    }
    fields.retain(|(name, _)| files.iter().all(|(file, _)| file != name));
    let files = files.into_iter().filter(|(_, value)| value.len() <= MAX_LOGO);
    fields.extend(files.map(|(name, value)| (name, BASE64_STANDARD.encode(value))));
    Some(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into())
}

/// The fields in order, as far as they fit into `room`. Unlike `form::read_form`, this also accepts forms beyond the
/// limits.
fn typed_fields(bytes: &[u8], mut room: usize) -> TypedForm {
    let mut typed = TypedForm { is_whole: is_utf8(bytes), ..TypedForm::default() };
    for (name, value) in url::form_urlencoded::parse(bytes) {
        // A component that was left unchanged has an empty value.
        let (name, value) = (name.as_ref(), value.as_ref());
        if name.starts_with("component.") && value.is_empty() {
            continue;
        }
        if PASSKEY_FIELDS.contains(&name) || name.len() > MAX_NAME {
            typed.is_whole &= value.is_empty();
            continue;
        }
        let is_asked_again = is_secret_field(name) || ONE_TIME_FIELDS.contains(&name);
        let is_shown = !is_asked_again
            && !value.trim().is_empty()
            && !HIDDEN_FIELDS.contains(&name)
            && !name.starts_with("component.");
        let cost =
            if is_shown || is_asked_again { VISIBLE_FIELD_COST } else { HIDDEN_FIELD_COST } + 4 * escaped_len(name);
        if cost > room {
            typed.is_whole = false;
            break;
        }
        room -= cost;
        if is_asked_again {
            if !typed.secrets.iter().any(|secret| secret == name) {
                typed.secrets.push(name.to_owned());
            }
            continue;
        }
        let part = truncate_html(value, room);
        room -= escaped_len(part);
        let list = if is_shown { &mut typed.shown } else { &mut typed.hidden };
        list.push((name.to_owned(), part.to_owned()));
        if part.len() < value.len() {
            typed.is_whole = false;
            break;
        }
    }
    typed
}

/// The longest start of `text` that has at most `room` bytes in HTML.
fn truncate_html(text: &str, mut room: usize) -> &str {
    for (at, sign) in text.char_indices() {
        let long = escaped_len(sign.encode_utf8(&mut [0; 4]));
        if long > room {
            return &text[..at];
        }
        room -= long;
    }
    text
}

fn takes_images(path: &str) -> bool {
    BRAND_FORMS.contains(&path) || path == BRAND_PREVIEW
}

pub(in crate::web) fn is_form(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// Whether a field must not be shown again.
pub(in crate::web) fn is_secret_field(name: &str) -> bool {
    name.contains("password") || name == "current"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn returned_form_has_no_secrets() {
        let body = b"version=3&title=Late&body=%3Cb%3E%0A&phase=&component.a=&component.b=major_outage&current=x\
                     &password=y&proof_code=123456&password=z";
        let back = typed_fields(body, MAX_ECHO_ANONYMOUS);
        assert_eq!(back.shown, pairs(&[("title", "Late"), ("body", "<b>\n")]));
        assert_eq!(back.hidden, pairs(&[("version", "3"), ("phase", ""), ("component.b", "major_outage")]));
        assert_eq!(back.secrets, ["current", "password", "proof_code"]);
        assert!(back.is_whole);
        assert!(!typed_fields(b"credential=%7B%7D", 1000).is_whole && typed_fields(b"credential=", 1000).is_whole);
        assert!(!typed_fields(b"a=%FF", 1000).is_whole);
    }

    #[test]
    fn pending_form_has_no_secrets_or_buttons() {
        let sent = |body: &'static str| SubmittedForm {
            address: "/admin/incidents".into(),
            is_guarded: true,
            bytes: Bytes::from_static(body.as_bytes()),
            fields: Some(Bytes::from_static(body.as_bytes())),
            end: BodyEnd::Whole,
        };
        let form =
            sent("title=Late&component.a=&password=y&current=x&proof_code=1&preview=1&save_draft=1&credential=z");
        assert_eq!(form.pending_fields().as_deref(), Some("title=Late&component.a="));
        assert_eq!(SubmittedForm { end: BodyEnd::TooLarge, ..sent("a=b") }.pending_fields(), None);
        assert_eq!(sent("a=%FF").pending_fields(), None);
        assert_eq!(sent("a=b&live=1").pending_fields(), None, "nobody pressed a button");
    }

    #[tokio::test]
    async fn multipart_form_keeps_texts_and_newest_small_files() {
        let large = "x".repeat(MAX_LOGO + 1);
        let body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"about\"\r\n\r\nA & b\r\n\
            --b\r\ncontent-disposition: form-data; name=\"kept_logo\"\r\n\r\nb2xk\r\n\
            --b\r\ncontent-disposition: form-data; name=\"logo\"; filename=\"a.svg\"\r\n\r\n<svg/>\r\n\
            --b\r\ncontent-disposition: form-data; name=\"kept_logo_dark\"\r\n\r\nb2xk\r\n\
            --b\r\ncontent-disposition: form-data; name=\"logo_dark\"; filename=\"b.svg\"\r\n\r\n{large}\r\n\
            --b\r\ncontent-disposition: form-data; name=\"kept_favicon\"\r\n\r\nb2xk\r\n\
            --b\r\ncontent-disposition: form-data; name=\"favicon\"; filename=\"\"\r\n\r\n\r\n--b--\r\n"
        );
        let request = axum::http::Request::post("/admin/brand")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(Body::empty())
            .unwrap();
        let sent = SubmittedForm::read(&request.into_parts().0, Access::AtLeast(Role::Owner), Body::from(body)).await;
        assert_eq!(sent.pending_fields().as_deref(), Some("about=A+%26+b&kept_favicon=b2xk&kept_logo=PHN2Zy8%2B"));
    }

    #[test]
    fn returned_text_is_limited() {
        let many = typed_fields("a=b&".repeat(131_072).as_bytes(), MAX_ECHO_ANONYMOUS);
        assert!(!many.is_whole && many.shown.len() <= MAX_ECHO_ANONYMOUS / VISIBLE_FIELD_COST, "{}", many.shown.len());
        let unseen = typed_fields("a=&".repeat(131_072).as_bytes(), MAX_ECHO_ANONYMOUS);
        assert!(
            !unseen.is_whole && unseen.hidden.len() <= MAX_ECHO_ANONYMOUS / HIDDEN_FIELD_COST,
            "{}",
            unseen.hidden.len()
        );
        let long = typed_fields(format!("body={}", "\"".repeat(500_000)).as_bytes(), MAX_ECHO_ANONYMOUS);
        assert!(!long.is_whole && escaped_len(&long.shown[0].1) <= MAX_ECHO_ANONYMOUS);
        assert_eq!((truncate_html("a<ä", 5), truncate_html("a<ä", 6), truncate_html("a<ä", 7)), ("a<", "a<", "a<ä"));
    }

    #[test]
    fn longest_message_of_every_script_is_returned_whole() {
        for sign in ["x", "ä", "夜", "\u{1f6a2}", "&", "<"] {
            let text = sign.repeat(25_000);
            let body: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let back = typed_fields(format!("title=Late&body={body}").as_bytes(), MAX_ECHO_ANONYMOUS);
            assert!(back.is_whole && back.shown[1].1 == text, "{sign}");
        }
    }
}
