//! Announcements above the banner: notices of the owner that are no incidents.

use leptos::prelude::*;

use crate::domain::Announcement;
use crate::format::markdown;

pub fn announcement_list(shown: &[Announcement]) -> Option<AnyView> {
    let card = |it: &Announcement| {
        let body = (!it.body.is_empty()).then(|| {
            view! { <div class="text" dir="auto" inner_html=markdown::render_markdown(&it.body)></div> }
        });
        view! { <div class="card"><p dir="auto"><strong>{it.title.clone()}</strong></p>{body}</div> }
    };
    (!shown.is_empty()).then(|| {
        view! { <section id="announcements" aria-label="Announcements">{shown.iter().map(card).collect_view()}</section> }
            .into_any()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AnnouncementId;
    use crate::ui::render_page;

    #[test]
    fn announcement_is_escaped() {
        let it = Announcement {
            id: AnnouncementId::parse("a").unwrap(),
            title: "<b>Closed".into(),
            body: "**soon** <script>alert(1)</script>".into(),
            starts_at: chrono::DateTime::UNIX_EPOCH,
            ends_at: None,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            version: 1,
        };
        let html = render_page(|| announcement_list(&[it]).unwrap());
        assert!(html.contains("&lt;b&gt;Closed") && html.contains("<strong>soon</strong>"), "{html}");
        assert!(!html.contains("<script>"), "{html}");
        assert!(announcement_list(&[]).is_none());
    }
}
