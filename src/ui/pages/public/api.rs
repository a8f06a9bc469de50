//! `/api`: the documentation of the public API.

use leptos::prelude::*;

use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};

#[derive(Clone, Debug)]
pub struct ApiPage {
    pub shell: PublicContext,
    pub sections: Vec<ApiSection>,
}

#[derive(Clone, Debug)]
pub struct ApiSection {
    pub title: &'static str,
    pub lines: Vec<ApiLine>,
}

#[derive(Clone, Copy, Debug)]
pub struct ApiLine {
    pub path: &'static str,
    /// Whether the path can be opened as it is, without an id.
    pub opens: bool,
    pub summary: &'static str,
}

pub fn render_api_page(page: ApiPage) -> String {
    crate::ui::render_page(|| view! { <ApiView page=page /> })
}

#[component]
pub fn ApiView(page: ApiPage) -> AnyView {
    let head = PageHead {
        title: "API".to_owned(),
        description: format!("The public JSON API and feeds of {}.", page.shell.page.name),
        kind: PageKind::Regular,
        style: PageStyle::Base,
    };
    view! {
        <PublicLayout shell=page.shell head=head>
            <div class="intro">
                <h1>"API"</h1>
                <p class="lede">
                    "Public JSON API, compatible with Atlassian Statuspage. No key required; CORS enabled. Responses carry an ETag; poll with If-None-Match, at most every 10 seconds."
                </p>
            </div>
            {page.sections.into_iter().map(api_section).collect_view()}
        </PublicLayout>
    }
    .into_any()
}

fn api_section(section: ApiSection) -> AnyView {
    view! {
        <h2>{section.title}</h2>
        <ul class="panel">{section.lines.into_iter().map(api_line).collect_view()}</ul>
    }
    .into_any()
}

fn api_line(line: ApiLine) -> AnyView {
    let address = if line.opens {
        view! { <a href=line.path><code>{line.path}</code></a> }.into_any()
    } else {
        view! { <code>{line.path}</code> }.into_any()
    };
    view! { <li class="row"><div>{address}<span class="about">{line.summary}</span></div></li> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures::{self, check};

    #[test]
    fn addresses_that_open_are_links() {
        let line = |path, opens| ApiLine { path, opens, summary: "One." };
        let lines = vec![line("/feed.json", true), line("/incidents/ID.json", false)];
        let sections = vec![ApiSection { title: "Feeds", lines }];
        let html = render_api_page(ApiPage { shell: fixtures::shell("/api"), sections });
        check(&html);
        assert!(html.contains("<a href=\"/feed.json\"><code>/feed.json</code></a>"));
        assert!(html.contains("<code>/incidents/ID.json</code>"));
        assert!(!html.contains("href=\"/incidents/ID.json\""));
    }
}
