//! Error pages for visitors.

use leptos::prelude::*;

use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};

#[derive(Clone, Debug)]
pub struct ErrorPage {
    pub shell: PublicContext,
    pub status: u16,
    pub title: String,
    pub message: String,
    /// Labels and URLs of suggested pages.
    pub links: Vec<(String, String)>,
}

impl ErrorPage {
    /// With the default text for `status`.
    pub fn new(shell: PublicContext, status: u16) -> Self {
        let (title, message) = status_words(status);
        let links = vec![link("Current status", "/"), link("Incident history", "/history")];
        Self { shell, status, title: title.to_owned(), message: message.to_owned(), links }
    }

    pub fn filter_unavailable(shell: PublicContext) -> Self {
        Self {
            shell,
            status: 503,
            title: "Filtering is temporarily unavailable".to_owned(),
            message: "The unfiltered history works. Please try the filter again in a minute.".to_owned(),
            links: vec![link("Unfiltered history", "/history"), link("Current status", "/")],
        }
    }
}

fn link(label: &str, href: &str) -> (String, String) {
    (label.to_owned(), href.to_owned())
}

fn status_words(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("Bad request", "The URL or the submitted data is malformed."),
        403 => (
            "Permission denied",
            "You do not have permission, or the form expired. Go back, reload the page and try again.",
        ),
        404 => ("Page not found", "Check the URL; the page may have been removed."),
        405 => ("Method not allowed", "This page does not accept this kind of request."),
        408 => ("The request took too long", "The request was incomplete. Please try again."),
        409 => ("Conflict", "Someone changed this in the meantime. Go back, reload the page and try again."),
        413 => ("Request too large", "The request is larger than this server accepts."),
        414 => ("URL too long", "Shorten the URL and try again."),
        421 => ("Unknown host", "This server is not configured for this host name."),
        429 => ("Too many requests", "Please wait a minute before you try again."),
        501 => ("Not supported", "This kind of request is not supported."),
        503 => ("Not available right now", "Please try again in a minute. The status page itself stays up."),
        _ => {
            ("Something went wrong here", "The error is on our side and has been logged. Please try again in a minute.")
        }
    }
}

pub fn render_error_page(page: ErrorPage) -> String {
    crate::ui::render_page(|| view! { <ErrorView page=page /> })
}

#[component]
pub fn ErrorView(page: ErrorPage) -> AnyView {
    let ErrorPage { shell, status, title, message, links } = page;
    let head =
        PageHead { title: title.clone(), description: message.clone(), kind: PageKind::Error, style: PageStyle::Base };
    let links = links.into_iter().map(|(label, href)| view! { <a href=href>{label}</a>" " }).collect_view();
    view! {
        <PublicLayout shell=shell head=head>
            <div class="intro">
                <p class="code">{format!("Error {status}")}</p>
                <h1>{title}</h1>
                <p class="lede">{message}</p>
            </div>
            <p class="back">{links}</p>
        </PublicLayout>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, check};

    #[test]
    fn error_page_explains_and_links() {
        for status in [400, 403, 404, 405, 408, 413, 414, 421, 429, 500, 501, 503] {
            let html = render_error_page(fixtures::error_page(status));
            check(&html);
            assert!(html.contains(&format!("Error {status}")) && html.contains("Current status"), "{html}");
        }
    }

    #[test]
    fn error_page_is_noindex_without_status() {
        let html = render_error_page(fixtures::error_page(500));
        assert!(html.contains("<meta name=\"robots\" content=\"noindex\">") && html.contains("tone-unknown"));
        assert!(!html.contains("canonical") && !html.contains("Status: "));
    }

    #[test]
    fn unavailable_filter_links_to_full_history() {
        let html = render_error_page(ErrorPage::filter_unavailable(fixtures::shell("/history")));
        check(&html);
        assert!(html.contains("href=\"/history\">Unfiltered history</a>"), "{html}");
    }

    #[test]
    fn every_text_is_escaped() {
        let mut page = fixtures::error_page(400);
        (page.title, page.message) = (SCRIPT.into(), SCRIPT.into());
        page.links.push(link(SCRIPT, "/\"><script>"));
        check(&render_error_page(page));
    }
}
