//! Static files, embedded in the program: the admin's stylesheet and islands, the public script, the icons.
//!
//! A file whose name has the hash of its content may be cached forever.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::http::HeaderValue;
use chrono::DateTime;
use http_connection::PathMap;
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use crate::format::hex;
use crate::publish::{CSP_NONE, Document, PreparedResponse, ResponsePolicy};
use crate::ui::live_script;

/// For files whose name has their hash.
const CACHE_FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For files with a fixed name.
const CACHE_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

#[derive(RustEmbed)]
#[folder = "target/site/pkg"]
#[allow_missing = true]
struct IslandFiles;

#[derive(RustEmbed)]
#[folder = "public"]
struct EmbeddedFiles;

/// Embedded files with a fixed path; the script has a path with its hash.
const PUBLIC_FILES: [&str; 4] = ["apple-touch-icon.png", "favicon.ico", "favicon.svg", "robots.txt"];

const ADMIN_CSS: &str = concat!(
    include_str!("../../../style/tokens.css"),
    include_str!("../../../style/parts.css"),
    include_str!("../../../style/admin.css"),
    include_str!("../../../style/brand-admin.css")
);

/// Keyboard shortcuts, the dashboard, the composer, keeping typed text until it is saved, the preview of the brand, and
/// progress.
const ADMIN_SCRIPT: &str = concat!(
    include_str!("../../../public/admin.js"),
    include_str!("../../../public/dashboard.js"),
    include_str!("../../../public/composer.js"),
    include_str!("../../../public/copy.js"),
    include_str!("../../../public/order.js"),
    include_str!("../../../public/typed.js"),
    include_str!("../../../public/brand.js"),
    include_str!("../../../public/reload.js")
);
/// Carries a passkey between the browser and a form.
const PASSKEY_SCRIPT: &str = include_str!("../../../public/passkey.js");

/// The scripts of public pages: URL and content.
const PUBLIC_SCRIPTS: [fn() -> (&'static str, &'static str); 2] = [
    || (live_script::live_script_url(), live_script::live_script()),
    || (live_script::subscribe_script_url(), live_script::subscribe_script()),
];

pub struct AssetUrls {
    pub css: String,
    /// Script with the keyboard shortcuts and the typed text.
    pub keys: String,
    pub passkey: String,
    /// Loader of the islands; `None` if the browser part was not built.
    pub js: Option<String>,
    pub wasm: Option<String>,
}

struct Assets {
    addresses: AssetUrls,
    by_name: HashMap<String, Arc<Document>>,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let mut by_name = HashMap::new();
    let mut add = |name: &str, kind: &str, bytes: Cow<'static, [u8]>| {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let hashed = format!("{stem}.{}.{ending}", hex(&Sha256::digest(&bytes)[..8]));
        by_name.insert(hashed.clone(), Arc::new(Document::new(200, kind, bytes.into_owned())));
        format!("/assets/{hashed}")
    };
    let css = add("admin.css", "text/css; charset=utf-8", ADMIN_CSS.as_bytes().into());
    let keys = add("admin.js", "text/javascript; charset=utf-8", ADMIN_SCRIPT.as_bytes().into());
    let passkey = add("passkey.js", "text/javascript; charset=utf-8", PASSKEY_SCRIPT.as_bytes().into());
    let js = IslandFiles::get("candor.js").map(|file| add("candor.js", "text/javascript; charset=utf-8", file.data));
    let wasm = IslandFiles::get("candor_bg.wasm").map(|file| add("candor_bg.wasm", "application/wasm", file.data));
    for (url, script) in PUBLIC_SCRIPTS.map(|script| script()) {
        let script = Document::static_file("text/javascript; charset=utf-8", script);
        by_name.insert(url.trim_start_matches("/assets/").to_owned(), Arc::new(script));
    }
    Assets { addresses: AssetUrls { css, keys, passkey, js, wasm }, by_name }
});

static FIXED: LazyLock<HashMap<String, Arc<Document>>> = LazyLock::new(|| {
    let file = |name: Cow<'static, str>| {
        let kind = mime_guess::from_path(name.as_ref()).first_or_octet_stream();
        let kind = if kind.type_() == "text" { format!("{kind}; charset=utf-8") } else { kind.to_string() };
        EmbeddedFiles::get(&name)
            .map(|file| (name.into_owned(), Arc::new(Document::new(200, &kind, file.data.into_owned()))))
    };
    EmbeddedFiles::iter().filter_map(file).collect()
});

pub fn asset_urls() -> &'static AssetUrls {
    &ASSETS.addresses
}

/// Prepared responses of all files, by path.
pub fn prepared_files(secure: bool) -> PathMap<PreparedResponse> {
    let hashed = ASSETS.by_name.iter().map(|(name, file)| (format!("/assets/{name}"), file, CACHE_FOREVER));
    let fixed = PUBLIC_FILES.iter().map(|name| (format!("/{name}"), &FIXED[*name], CACHE_DAY));
    let answer = |(path, file, kept): (String, &Arc<Document>, HeaderValue)| {
        (
            path,
            PreparedResponse::new(
                file.clone(),
                ResponsePolicy {
                    cache_control: kept,
                    content_security_policy: CSP_NONE,
                    secure,
                    staleness: None,
                    now: DateTime::UNIX_EPOCH,
                },
            ),
        )
    };
    hashed.chain(fixed).map(answer).collect()
}

/// The files of public pages by path, for the export into a folder.
pub fn fixed_files() -> impl Iterator<Item = (String, Vec<u8>)> {
    let scripts = PUBLIC_SCRIPTS
        .map(|script| script())
        .map(|(url, script)| (url.trim_start_matches('/').to_owned(), script.as_bytes().to_vec()));
    let file = |name: &str| EmbeddedFiles::get(name).map(|file| (name.to_owned(), file.data.into_owned()));
    PUBLIC_FILES.into_iter().filter_map(file).chain(scripts)
}
