//! `/embed`: a short status view for an iframe on another site.

use leptos::prelude::*;

use crate::domain::page_status::Tone;
use crate::domain::{Incident, Maintenance};
use crate::ui::icon::{Icon, symbols_placeholder};
use crate::ui::public_layout::{PublicContext, stylesheet};

const MAX_LINES: usize = 5;

#[derive(Clone, Debug)]
pub struct EmbedPage {
    pub shell: PublicContext,
    pub headline: String,
    /// Newest start first.
    pub open: Vec<Incident>,
    /// Ongoing maintenances.
    pub active: Vec<Maintenance>,
    /// Whether this is the notice, which tells the embedding page when to show it and can be closed.
    pub is_frame: bool,
}

impl EmbedPage {
    fn has_events(&self) -> bool {
        !self.open.is_empty() || !self.active.is_empty() || !matches!(self.shell.tone, Tone::Operational | Tone::Notice)
    }

    fn lines(&self) -> Vec<(String, String)> {
        let incidents = self.open.iter().map(|it| (it.title.clone(), format!("/incidents/{}", it.id)));
        let works = self.active.iter().map(|it| (it.title.clone(), format!("/incidents/{}", it.id)));
        incidents.chain(works).take(MAX_LINES).collect()
    }
}

pub fn render_embed(page: EmbedPage) -> String {
    crate::ui::render_page(|| view! { <EmbedView page=page /> })
}

/// The state in words, for a headline that is the title of an incident: the icon is silent.
fn state_words(page: &EmbedPage) -> Option<&'static str> {
    let words = page.shell.tone.words();
    let is_said = page.headline.to_lowercase().contains(&words.to_lowercase());
    (!is_said && page.has_events()).then_some(words)
}

#[component]
pub fn EmbedView(page: EmbedPage) -> AnyView {
    let base = page.shell.base_url.trim_end_matches('/').to_owned();
    let link = |(words, path): (String, String)| {
        let href = format!("{base}{path}");
        view! { <li><a href=href target="_blank" rel="noopener" dir="auto">{words}</a></li> }
    };
    let lines: Vec<_> = page.lines().into_iter().map(link).collect();
    let lines = (!lines.is_empty()).then(|| view! { <ul>{lines}</ul> });
    let close =
        (page.is_frame && page.has_events()).then(|| view! { <button class="btn" type="button">"Close"</button> });
    let script = page.is_frame.then(|| view! { <script src="/embed/frame.js" defer></script> });
    let trouble = page.has_events().then_some("yes");
    view! {
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <title>{format!("{} · {}", page.headline, page.shell.page.name)}</title>
                <meta name="robots" content="noindex" />
                <style>{stylesheet()}</style>
                {script}
            </head>
            <body class=format!("embed tone-{}", page.shell.tone.key()) data-trouble=trouble>
                {symbols_placeholder()}
                <main id="main">
                    <div>
                        {Icon::from(page.shell.tone).view()}
                        <h1>
                            {state_words(&page).map(|words| view! { <span class="unseen">{words}": "</span> })}
                            <a href=format!("{base}/") target="_blank" rel="noopener" dir="auto">{page.headline.clone()}</a>
                        </h1>
                        {close}
                    </div>
                    {lines}
                </main>
            </body>
        </html>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures::{self, SCRIPT};

    fn page(open: Vec<Incident>, is_frame: bool) -> EmbedPage {
        EmbedPage { shell: fixtures::shell("/embed"), headline: SCRIPT.into(), open, active: Vec::new(), is_frame }
    }

    #[test]
    fn titles_are_text_and_links_leave_the_frame() {
        let mut incident = fixtures::delayed();
        incident.title = SCRIPT.into();
        let html = render_embed(page(vec![incident], true));
        assert!(!html.contains(SCRIPT) && html.contains("data-trouble=\"yes\""), "{html}");
        assert_eq!(html.matches("<a ").count(), html.matches("target=\"_blank\"").count());
        assert!(html.contains("<button") && html.contains("/embed/frame.js"));
    }

    #[test]
    fn embed_without_script_works() {
        let html = render_embed(page(Vec::new(), false));
        assert!(!html.contains("<script src") && !html.contains("<button"), "{html}");
    }
}
