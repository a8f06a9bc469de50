use chrono_tz::Tz;

use super::{Fields, parse_line, parse_required_line};
use crate::domain::page::is_origin;
use crate::domain::page::{Link, MAX_EMBEDDERS, MAX_LINKS, MAX_PAGE_TEXT};
use crate::domain::parse_time::parse_zone;
use crate::domain::{Invalid, Page};
use crate::format::url::is_safe_url;

#[derive(Clone, Debug, Default)]
pub struct PageForm {
    pub name: String,
    pub url: String,
    pub time_zone: String,
    /// One origin per line.
    pub embedders: String,
    pub version: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSettings {
    pub name: String,
    pub url: String,
    pub time_zone: Tz,
    pub logo_text: String,
    pub links: Vec<Link>,
    pub embedders: Vec<String>,
}

impl PageForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            name: fields.text("name"),
            url: fields.text("url"),
            time_zone: fields.text("time_zone"),
            embedders: fields.text("embedders"),
            version: fields.version(),
        }
    }

    pub fn from_page(page: &Page) -> Self {
        Self {
            name: page.name.clone(),
            url: page.url.clone(),
            time_zone: page.time_zone.name().to_owned(),
            embedders: page.embedders.iter().map(|origin| format!("{origin}\n")).collect(),
            version: page.version,
        }
    }

    /// The header text and the links stay those of `page`: the form of the brand has them.
    pub fn parse(&self, page: &Page) -> Result<PageSettings, Invalid> {
        let mut invalid = Invalid::new();
        let name = invalid.take("name", parse_required_line(&self.name, MAX_PAGE_TEXT, "Give the page a name."));
        let url = invalid.take("url", parse_address(&self.url));
        let time_zone = invalid.take("time_zone", parse_zone(&self.time_zone));
        let embedders = invalid.take("embedders", parse_embedders(&self.embedders));
        match (name, url, time_zone, embedders) {
            (Some(name), Some(url), Some(time_zone), Some(embedders)) => {
                let (logo_text, links) = (page.logo_text.clone(), page.links.clone());
                Ok(PageSettings { name, url, time_zone, logo_text, links, embedders })
            }
            _ => Err(invalid),
        }
    }
}

fn parse_address(text: &str) -> Result<String, String> {
    let url = parse_line(text, MAX_PAGE_TEXT)?;
    if url.is_empty() || is_safe_url(&url) { Ok(url) } else { Err("Enter a URL that begins with https://.".into()) }
}

pub(super) fn parse_links(text: &str) -> Result<Vec<Link>, String> {
    let rows: Vec<&str> = text.lines().map(str::trim).filter(|row| !row.is_empty()).collect();
    if rows.len() > MAX_LINKS {
        return Err(format!("At most {MAX_LINKS} links."));
    }
    rows.into_iter().map(parse_link).collect()
}

fn parse_embedders(text: &str) -> Result<Vec<String>, String> {
    let rows = text.lines().map(|row| row.trim().trim_end_matches('/').to_ascii_lowercase());
    let mut origins: Vec<String> = rows.filter(|row| !row.is_empty()).collect();
    origins.dedup();
    if origins.len() > MAX_EMBEDDERS {
        return Err(format!("At most {MAX_EMBEDDERS} sites."));
    }
    match origins.iter().find(|origin| !is_origin(origin)) {
        Some(wrong) => {
            Err(format!("“{wrong}” is not an origin. Use one like https://www.example.org, without a path."))
        }
        None => Ok(origins),
    }
}

fn parse_link(row: &str) -> Result<Link, String> {
    let (url, label) = row.split_once(char::is_whitespace).unwrap_or((row, row));
    let label = parse_required_line(label, MAX_PAGE_TEXT, "Give every link a label.")?;
    if is_safe_url(url) && url.len() <= MAX_PAGE_TEXT {
        Ok(Link { label, url: url.to_owned() })
    } else {
        Err(format!("“{url}” is not a URL that begins with https:// or mailto:. Put the URL first, then the label."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedder_is_an_origin() {
        assert_eq!(parse_embedders(" https://WWW.example.org/ \n\n").unwrap(), ["https://www.example.org"]);
        assert_eq!(parse_embedders("").unwrap(), [""; 0]);
        let long = format!("https://{}.test", "a".repeat(1 << 20));
        for bad in [
            "*",
            "https://*",
            "https://example.org/path",
            "https://example.org?",
            "https://example.org#",
            "https://me@example.org",
            "https://example.org:x",
            "https://a.test 'self'",
            "https://a.test;",
            "https://a.test; script-src *",
            "https://a.test,https://b.test",
            "https://a.test\0",
            "https://a.test\t*",
            "https://a.test\u{a0}*",
            "https://a.test\rX: y",
            "https://a.test\nX: y",
            "https://a.test\u{85}X: y",
            "https://a.test\u{2028}X: y",
            "https://a.test\u{b}X: y",
            "'self'",
            "'unsafe-inline'",
            "data:",
            "https:",
            "https://",
            "javascript:alert(1)",
            &long,
        ] {
            assert!(parse_embedders(bad).is_err(), "{bad:.40}");
        }
        assert!(parse_embedders(&(0..11).map(|n| format!("https://a{n}.test\n")).collect::<String>()).is_err());
    }

    #[test]
    fn link_has_url_and_label() {
        let parsed = parse_links("https://example.org Home page\n\nmailto:help@example.org Help\n").unwrap();
        assert_eq!(parsed[0].label, "Home page");
        assert_eq!(parsed[1].url, "mailto:help@example.org");
        assert!(parse_links("javascript:alert(1) x").is_err());
        assert!(parse_links(&"https://example.org x\n".repeat(MAX_LINKS + 1)).is_err());
    }
}
