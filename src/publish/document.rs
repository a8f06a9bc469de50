//! A public document with its compressed bytes.

use std::io::Write as _;

use ::brotli::CompressorWriter;
use ::brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use http_connection::{Encoding, names_etag};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Staleness;
use super::api::stale_badge;
use crate::format::hex;

/// The brotli level for pages, compressed while publishing. On a page of 45 KB, levels 7 to 9 save at most 0.5 % more,
/// and level 9 takes 32 MB and 14 times as long; levels 10 and 11 save 10 % but take 50 times as long.
const BROTLI_QUALITY: i32 = 6;
/// The highest brotli level, for static files.
const BEST_QUALITY: i32 = 11;
/// The base-2 logarithm of the brotli window size. Values below 17 select another, much slower code path.
const BROTLI_WINDOW: std::ops::RangeInclusive<u32> = 17..=20;
/// The size of the parts in which brotli returns its output, in bytes.
const BROTLI_PART: usize = 4096;

/// `plain` in the best encoding that the client accepts, for responses that are made for one request.
pub fn compress(encoding: Encoding, plain: &[u8]) -> Bytes {
    match encoding {
        Encoding::Plain => Bytes::copy_from_slice(plain),
        Encoding::Gzip => gzip(plain),
        Encoding::Brotli => brotli(plain, BROTLI_QUALITY),
    }
}

const MAIN_TAG: &str = "<main id=\"main\">";

/// Which origins may read or frame a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrossOrigin {
    #[default]
    SameOrigin,
    /// Scripts and pages of any origin. The document is public and served without cookies.
    Any,
    /// Pages of these space-separated origins may frame the document.
    FramedBy(String),
}

impl CrossOrigin {
    pub fn framed_by(origins: &[String]) -> Self {
        if origins.is_empty() { Self::SameOrigin } else { Self::FramedBy(origins.join(" ")) }
    }
}

/// A document with its compressed variants, made once and served many times.
/// Equal documents are served with the same bytes, whenever they were rendered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Document {
    pub status: u16,
    pub content_type: String,
    plain: Bytes,
    gzip: Bytes,
    brotli: Bytes,
    /// The strong entity tag of each encoding, with quotes.
    etags: [String; 3],
    pub reach: CrossOrigin,
    /// When the content last changed, in whole seconds; `None` if unknown.
    changed_at: Option<DateTime<Utc>>,
}

/// The version of a document before this one.
#[derive(Clone, Copy, Debug)]
pub struct PreviousVersion {
    pub is_same: bool,
    pub changed_at: DateTime<Utc>,
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        let shown = |it: &Self| (it.status, it.content_type.clone(), it.etags.clone(), it.reach.clone());
        self.plain == other.plain && shown(self) == shown(other)
    }
}

impl Eq for Document {}

impl Document {
    pub fn new(status: u16, content_type: &str, plain: impl Into<Bytes>) -> Self {
        let plain = plain.into();
        let digest = hex(&Sha256::digest(&plain)[..12]);
        Self {
            status,
            content_type: content_type.to_owned(),
            gzip: gzip(&plain),
            brotli: brotli(&plain, BROTLI_QUALITY),
            etags: [format!("\"{digest}\""), format!("\"{digest}-g\""), format!("\"{digest}-b\"")],
            plain,
            reach: CrossOrigin::SameOrigin,
            changed_at: None,
        }
    }

    /// Sets the time of the last change: that of the previous version if the content is the same. Otherwise `now`, but
    /// at least a second after the previous version: `Last-Modified` has whole seconds and must differ. The time may
    /// therefore be in the future; the header is omitted until then.
    #[must_use]
    pub fn with_change_time(mut self, before: Option<PreviousVersion>, now: DateTime<Utc>) -> Self {
        self.changed_at = Some(match before {
            Some(before) if before.is_same => before.changed_at,
            Some(before) => now.max(before.changed_at + TimeDelta::seconds(1)).trunc_subsecs(0),
            None => now.trunc_subsecs(0),
        });
        self
    }

    pub fn changed_at(&self) -> Option<DateTime<Utc>> {
        self.changed_at
    }

    /// An embedded file, compressed once at startup with the best brotli level.
    pub fn static_file(content_type: &str, plain: &'static str) -> Self {
        Self { brotli: brotli(plain.as_bytes(), BEST_QUALITY), ..Self::new(200, content_type, plain) }
    }

    pub fn cross_origin(content_type: &str, text: String) -> Self {
        Self { reach: CrossOrigin::Any, ..Self::new(200, content_type, text) }
    }

    /// A PNG for any origin. It is compressed already.
    pub fn picture(png: Bytes) -> Self {
        Self { reach: CrossOrigin::Any, ..Self::new(200, "image/png", png) }
    }

    pub fn json_error(status: u16, json: String, reach: CrossOrigin) -> Self {
        Self { reach, ..Self::new(status, "application/json", json) }
    }

    pub fn html(status: u16, html: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", html)
    }

    pub fn framable_html(html: String, reach: CrossOrigin) -> Self {
        Self { reach, ..Self::html(200, html) }
    }

    /// A copy that shows its age: HTML pages get a notice, badges a suffix. Other documents keep their text; their
    /// response has a header with the time instead.
    pub fn as_stale(&self, age: &Staleness) -> Self {
        let text = std::str::from_utf8(&self.plain).unwrap_or_default();
        let aged = match self.content_type.split(';').next() {
            Some("text/html") => {
                text.split_once(MAIN_TAG).map(|(before, after)| [before, MAIN_TAG, &age.notice(), after].concat())
            }
            Some("image/svg+xml") => stale_badge(text, &age.words()),
            _ => None,
        };
        match aged {
            Some(aged) => Self {
                reach: self.reach.clone(),
                changed_at: self.changed_at,
                ..Self::new(self.status, &self.content_type, aged)
            },
            None => Self { etags: self.etags.clone().map(|tag| stale_etag(&tag, age)), ..self.clone() },
        }
    }

    pub fn has_bytes(&self, bytes: &[u8]) -> bool {
        self.plain == bytes
    }

    pub fn bytes(&self, encoding: Encoding) -> &Bytes {
        match encoding {
            Encoding::Plain => &self.plain,
            Encoding::Gzip => &self.gzip,
            Encoding::Brotli => &self.brotli,
        }
    }

    pub fn etag(&self, encoding: Encoding) -> &str {
        match encoding {
            Encoding::Plain => &self.etags[0],
            Encoding::Gzip => &self.etags[1],
            Encoding::Brotli => &self.etags[2],
        }
    }

    /// Whether an `If-None-Match` value names this document in any encoding.
    pub fn matches(&self, if_none_match: &[u8]) -> bool {
        names_etag(if_none_match, &self.etags)
    }

    /// The approximate memory use, in bytes.
    pub fn weight(&self) -> usize {
        self.plain.len() + self.gzip.len() + self.brotli.len() + 200
    }
}

/// An entity tag of its own for a stale response with the same bytes and another header, so that a cached copy doesn't
/// validate as fresh.
fn stale_etag(tag: &str, age: &Staleness) -> String {
    format!("{}-{}\"", tag.trim_end_matches('"'), age.confirmed_at.timestamp())
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to memory can't fail.
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.map(Bytes::from).unwrap_or_default()
}

/// Gives the encoder the whole text at once and a window that fits it. With its defaults, it would take and clear
/// buffers for a text of a megabyte, which costs as much time as compressing a page.
fn brotli(plain: &[u8], quality: i32) -> Bytes {
    let window = plain.len().next_power_of_two().ilog2().clamp(*BROTLI_WINDOW.start(), *BROTLI_WINDOW.end());
    let params =
        BrotliEncoderParams { quality, lgwin: window.cast_signed(), size_hint: plain.len(), ..Default::default() };
    let mut encoder = CompressorWriter::with_params(Vec::new(), BROTLI_PART, &params);
    let written = encoder.write_all(plain);
    written.map(|()| Bytes::from(encoder.into_inner())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn every_encoding_holds_the_same_document() {
        let text = "All Systems Operational. ".repeat(100);
        let document = Document::html(200, text.clone());
        let mut unzipped = String::new();
        flate2::read::GzDecoder::new(&document.bytes(Encoding::Gzip)[..]).read_to_string(&mut unzipped).unwrap();
        let mut unbrotlied = Vec::new();
        ::brotli::BrotliDecompress(&mut &document.bytes(Encoding::Brotli)[..], &mut unbrotlied).unwrap();
        assert_eq!((unzipped.as_str(), unbrotlied.as_slice()), (text.as_str(), text.as_bytes()));
        assert!(document.bytes(Encoding::Brotli).len() < document.bytes(Encoding::Plain).len());
    }

    #[test]
    fn stale_notice_starts_the_main_element() {
        let page = Document::html(200, format!("<body>{MAIN_TAG}<h1>x</h1></main></body>"));
        let age = Staleness { confirmed_at: DateTime::UNIX_EPOCH, time_zone: chrono_tz::Tz::UTC };
        let html = page.as_stale(&age);
        assert_eq!(
            &html.bytes(Encoding::Plain)[..],
            format!("<body>{MAIN_TAG}{}<h1>x</h1></main></body>", age.notice()).as_bytes()
        );
        assert_ne!(html.etag(Encoding::Plain), page.etag(Encoding::Plain));
        let data = Document::cross_origin("application/json", "{}".into());
        let old = data.as_stale(&age);
        assert_eq!(old.bytes(Encoding::Gzip), data.bytes(Encoding::Gzip));
        for encoding in Encoding::ALL {
            assert!(!data.matches(old.etag(encoding).as_bytes()), "{}", old.etag(encoding));
        }
    }

    #[test]
    fn change_time_moves_only_with_the_content() {
        let at = |milliseconds| DateTime::from_timestamp_millis(milliseconds).unwrap();
        let page = |text: &str| Document::cross_origin("application/json", text.to_owned());
        let next = |before: &Document, text: &str, now| {
            let previous = PreviousVersion {
                is_same: before.has_bytes(text.as_bytes()),
                changed_at: before.changed_at().unwrap(),
            };
            page(text).with_change_time(Some(previous), now)
        };
        let first = page("a").with_change_time(None, at(10_700));
        assert_eq!(first.changed_at(), Some(at(10_000)));
        assert_eq!(next(&first, "a", at(99_000)).changed_at(), Some(at(10_000)));
        let second = next(&first, "b", at(10_900));
        assert_eq!(second.changed_at(), Some(at(11_000)), "two changes within a second differ");
        let third = next(&second, "a", at(5_000));
        assert_eq!(third.changed_at(), Some(at(12_000)), "a clock set back moves it on");
        let age = Staleness { confirmed_at: at(0), time_zone: chrono_tz::Tz::UTC };
        assert_eq!(
            next(&third.as_stale(&age), "a", at(20_000)).changed_at(),
            Some(at(12_000)),
            "an outage is no change"
        );
    }

    #[test]
    fn etag_matches_if_none_match() {
        let document = Document::html(200, "x".into());
        let tag = document.etag(Encoding::Brotli).to_owned();
        assert!(document.matches(tag.as_bytes()) && document.matches(b"*"));
        assert!(document.matches(format!("\"other\", W/{tag}").as_bytes()));
        assert!(!document.matches(b"\"other\"") && !document.matches(b""));
        assert_ne!(document.etag(Encoding::Plain), document.etag(Encoding::Gzip));
    }
}
