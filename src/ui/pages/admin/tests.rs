//! Checks that apply to every admin page.

use super::look::{self, every_page};
use crate::domain::Role;

/// Breaks out of an unescaped attribute, element or textarea.
const HOSTILE: &str = "\"'></textarea></title><script>alert(1)</script><b>&amp;";

fn count(html: &str, needle: &str) -> usize {
    html.matches(needle).count()
}

#[test]
fn every_page_is_complete_with_one_h1() {
    for (name, html) in every_page(Role::Owner, "Late mail") {
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{name}");
        assert_eq!(count(&html, "<h1"), 1, "{name}");
        assert_eq!(count(&html, "<main"), 1, "{name}");
        assert!(html.contains("<title>"), "{name}");
    }
}

#[test]
fn heading_levels_are_not_skipped() {
    for (name, html) in every_page(Role::Owner, "Late mail") {
        let levels: Vec<u32> =
            html.match_indices("<h").filter_map(|(at, _)| html[at + 2..].chars().next()?.to_digit(10)).collect();
        assert_eq!(levels.first(), Some(&1), "{name}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{name}: {levels:?}");
    }
}

#[test]
fn pages_have_no_inline_style_or_script() {
    for (name, html) in every_page(Role::Owner, "Late mail") {
        assert!(!html.contains(" style="), "{name}");
        assert!(!html.contains("<style"), "{name}");
        assert!(!html.contains(" onclick") && !html.contains("javascript:"), "{name}");
        let islands = count(&html, "<script type=\"module\" nonce=\"n0nce\">");
        let passkeys = count(&html, "<script defer nonce=\"n0nce\" src=\"/assets/passkey.js\"></script>");
        let keys = count(&html, "<script defer src=\"/assets/admin.js\" nonce=\"n0nce\"></script>");
        assert!(keys <= 1, "{name}");
        assert_eq!(count(&html, "<script"), islands + passkeys + keys, "{name}");
    }
}

#[test]
fn user_text_is_escaped_on_every_page() {
    for (name, html) in every_page(Role::Owner, HOSTILE) {
        assert!(!html.contains("<script>alert"), "{name}");
        assert!(!html.contains("<b>&amp;"), "{name}");
        assert!(!html.contains("></textarea></title>"), "{name}");
    }
}

#[test]
fn only_pages_with_an_island_load_the_module() {
    for (name, html) in every_page(Role::Owner, "Late mail") {
        assert_eq!(html.contains("<leptos-island"), html.contains("type=\"module\""), "{name}");
    }
}

#[test]
fn every_control_has_a_label() {
    for (name, html) in every_page(Role::Owner, "Late mail") {
        for tag in ["<input", "<select", "<textarea"] {
            for piece in html.split(tag).skip(1) {
                let attributes = &piece[..piece.find('>').unwrap()];
                if attributes.contains("type=\"hidden\"") || attributes.ends_with(" hidden") {
                    continue;
                }
                let id = attributes.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
                assert!(html.contains(&format!("for=\"{id}\"")), "{name}: {tag} {attributes}");
                assert_eq!(count(&html, &format!(" id=\"{id}\"")), 1, "{name}: {id}");
            }
        }
    }
}

#[test]
fn every_form_posts_or_searches() {
    for (name, html) in every_page(Role::Owner, "Late mail") {
        let searches = count(&html, "method=\"get\"");
        assert_eq!(searches, count(&html, "role=\"search\""), "{name}");
        assert_eq!(count(&html, "<form"), searches + count(&html, "method=\"post\""), "{name}");
    }
}

#[test]
fn viewer_sees_no_forms_except_own_account() {
    for (name, html) in every_page(Role::Viewer, "Late mail") {
        if ![
            "dashboard",
            "incidents",
            "incident",
            "incident-resolved",
            "maintenances",
            "maintenance",
            "components",
            "audit",
            "settings",
        ]
        .contains(&name)
        {
            continue;
        }
        assert_eq!(count(&html, "method=\"post\""), 1, "{name}");
        assert!(html.contains("action=\"/logout\""), "{name}");
        for word in ["/edit", "/deletion", "/new", "/admin/managers"] {
            assert!(!html.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn errors_are_shown_at_their_fields() {
    let html = look::page("incident-new-wrong");
    for field in ["title", "body", "ended_at"] {
        assert!(html.contains(&format!("id=\"{field}-error\"")), "{field}");
        assert!(html.contains(&format!("href=\"#{field}\"")), "{field}");
    }
    assert_eq!(count(&html, " autofocus"), 1);
    assert!(html.contains("<details open class=\"fold\""));
}

#[test]
fn conflict_shows_both_versions() {
    let html = look::page("incident-edit-conflict");
    assert!(html.contains("Someone changed this while you were writing"));
    assert!(html.contains("Their title") && html.contains("value=\"My title\""));
    assert!(html.contains("name=\"version\" value=\"5\""));
}

#[test]
fn update_form_sends_already_named_components() {
    let html = look::page("incident");
    let named = html.split("name=\"component.outbound\"").nth(1).unwrap();
    let named = &named[..named.find("</select>").unwrap()];
    assert!(!named.contains("Not affected") && named.contains("value=\"partial_outage\" selected"), "{named}");
    let other = html.split("name=\"component.signin\"").nth(1).unwrap();
    assert!(other[..other.find("</select>").unwrap()].contains("Not affected"));
}

#[test]
fn listed_shortcuts_match_handled_keys() {
    let mut answered = std::collections::BTreeSet::new();
    for (_, html) in every_page(Role::Owner, "Late mail") {
        let keys = html.split(" data-keys=\"").skip(1).filter_map(|rest| rest.split('"').next());
        answered.extend(keys.map(str::to_owned));
    }
    let listed: std::collections::BTreeSet<String> =
        super::shortcuts::SHORTCUTS.into_iter().map(|(keys, _)| keys.to_owned()).collect();
    assert_eq!(answered, listed);
}
