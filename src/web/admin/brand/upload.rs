//! Reads the brand's form: text fields and the files of two logos and a favicon.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::domain::Invalid;
use crate::domain::brand::Logo;
use crate::domain::forms::Fields;
use crate::logo::{sanitize_favicon, sanitize_logo};
use crate::web::{Error, MAX_BODY, Result, form};

/// Makes an upload harmless.
type Sanitize = fn(&[u8]) -> std::result::Result<Logo, String>;

/// The files, the hidden fields that carry an upload through a form that is shown again, and what checks them.
const FILES: [(&str, &str, Sanitize); 3] = [
    ("logo", "kept_logo", sanitize_logo),
    ("logo_dark", "kept_logo_dark", sanitize_logo),
    ("favicon", "kept_favicon", sanitize_favicon),
];

/// The submitted brand: sanitised logos by scheme and favicon, and what is wrong with those that were refused.
pub struct BrandUpload {
    pub fields: Fields,
    pub images: [Option<Logo>; 3],
    pub refused: Invalid,
}

impl<S: Send + Sync> FromRequest<S> for BrandUpload {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> std::result::Result<Self, Response> {
        read_upload(request, state).await.map_err(axum::response::IntoResponse::into_response)
    }
}

async fn read_upload<S: Send + Sync>(request: Request, state: &S) -> Result<BrandUpload> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let (fields, files) = if kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        read_parts(request, state).await?
    } else {
        let bytes = to_bytes(request.into_body(), MAX_BODY).await.map_err(|_| Error::TooLarge)?;
        (form::read_form(&bytes)?, <[Option<Bytes>; 3]>::default())
    };
    // Decoding an image takes long enough to keep other requests waiting.
    let task = tokio::task::spawn_blocking(move || sanitize_uploads(fields, &files));
    task.await.map_err(|error| Error::Internal(error.into()))
}

async fn read_parts<S: Send + Sync>(request: Request, state: &S) -> Result<(Fields, [Option<Bytes>; 3])> {
    let unreadable = || Error::BadRequest("The form could not be read.".into());
    let mut parts = Multipart::from_request(request, state).await.map_err(|_| unreadable())?;
    let (mut fields, mut files) = (Vec::new(), <[Option<Bytes>; 3]>::default());
    while let Some(part) = parts.next_field().await.map_err(|_| unreadable())? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|_| unreadable())?;
        if let Some(at) = FILES.iter().position(|(file, ..)| *file == name) {
            // A browser sends an empty file if none was chosen.
            files[at] = Some(bytes).filter(|bytes| !bytes.is_empty());
            continue;
        }
        let text = String::from_utf8(bytes.into());
        fields.push((name, text.map_err(|_| Error::BadRequest("The form must be UTF-8.".into()))?));
        if fields.len() > form::MAX_FIELDS {
            break;
        }
    }
    Ok((form::limit_fields(fields.into_iter(), 0)?, files))
}

fn sanitize_uploads(fields: Fields, files: &[Option<Bytes>; 3]) -> BrandUpload {
    let mut refused = Invalid::new();
    let mut images = [None, None, None];
    for (at, (name, kept, sanitize)) in FILES.into_iter().enumerate() {
        let kept = BASE64_STANDARD.decode(fields.text(kept)).ok().filter(|bytes| !bytes.is_empty());
        let upload = files[at].as_deref().or(kept.as_deref());
        images[at] = upload.and_then(|bytes| refused.take(name, sanitize(bytes)));
    }
    let is_kept = |name: &str| FILES.iter().any(|(_, kept, _)| *kept == name);
    let fields = Fields(fields.0.into_iter().filter(|(name, _)| !is_kept(name)).collect());
    BrandUpload { fields, images, refused }
}
