//! Markdown of updates as HTML: one renderer for the page, the preview, and everything to come.
//!
//! What comes out is safe by construction: each event of the parser either belongs to the short list
//! in [`tame`] or becomes text, and text is escaped. (A cleaner that parses the HTML again took seconds
//! for 64 KiB of `&` or `>`; it judges the output in the tests instead.)

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

use crate::domain::page::is_safe_url;

/// How deep quotes and lists may nest before they are laid flat.
const MAX_DEPTH: usize = 16;

/// The HTML of `text`: raw HTML is shown as text, links lead to http, https and mailto only, headings
/// become bold paragraphs (the page keeps its own outline), pictures become links.
pub fn render(text: &str) -> String {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut open = Open::default();
    let events = Parser::new_ext(text, options).filter_map(|event| tame(event, &mut open));
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, events);
    out
}

/// What the renderer stands inside of.
#[derive(Default)]
struct Open {
    /// Quotes, lists and items.
    depth: usize,
    /// For each open link or picture, whether it was written as a link.
    links: Vec<bool>,
}

/// Lets one event of the parser through, makes it harmless, or drops it.
fn tame<'a>(event: Event<'a>, open: &mut Open) -> Option<Event<'a>> {
    match event {
        Event::Text(_) | Event::Code(_) | Event::HardBreak | Event::Rule => Some(event),
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        Event::SoftBreak => Some(Event::HardBreak),
        Event::Start(tag) => start(tag, open),
        Event::End(tag) => end(tag, open),
        _ => None,
    }
}

fn start<'a>(tag: Tag<'a>, open: &mut Open) -> Option<Event<'a>> {
    match tag {
        Tag::Paragraph | Tag::Emphasis | Tag::Strong | Tag::Strikethrough => Some(Event::Start(tag)),
        Tag::CodeBlock(_) => Some(Event::Start(Tag::CodeBlock(pulldown_cmark::CodeBlockKind::Indented))),
        // A wide table scrolls inside itself: the keyboard must be able to reach it.
        Tag::Table(_) => Some(Event::Html("<table tabindex=\"0\">".into())),
        Tag::TableHead | Tag::TableRow | Tag::TableCell => Some(Event::Start(tag)),
        Tag::HtmlBlock => Some(Event::Start(Tag::Paragraph)),
        Tag::Heading { .. } => Some(Event::Html("<p><strong>".into())),
        Tag::BlockQuote(_) => nest(open).then_some(Event::Start(Tag::BlockQuote(None))),
        Tag::List(_) | Tag::Item => nest(open).then_some(Event::Start(tag)),
        Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => link(&dest_url, open),
        _ => None,
    }
}

fn end<'a>(tag: TagEnd, open: &mut Open) -> Option<Event<'a>> {
    match tag {
        TagEnd::Paragraph | TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::CodeBlock => {
            Some(Event::End(tag))
        }
        TagEnd::Table | TagEnd::TableHead | TagEnd::TableRow | TagEnd::TableCell => Some(Event::End(tag)),
        TagEnd::HtmlBlock => Some(Event::End(TagEnd::Paragraph)),
        TagEnd::Heading(_) => Some(Event::Html("</strong></p>\n".into())),
        TagEnd::BlockQuote(_) => unnest(open).then_some(Event::End(TagEnd::BlockQuote(None))),
        TagEnd::List(_) | TagEnd::Item => unnest(open).then_some(Event::End(tag)),
        TagEnd::Link | TagEnd::Image => open.links.pop()?.then_some(Event::Html("</a>".into())),
        _ => None,
    }
}

fn nest(open: &mut Open) -> bool {
    open.depth += 1;
    open.depth <= MAX_DEPTH
}

fn unnest(open: &mut Open) -> bool {
    open.depth -= 1;
    open.depth < MAX_DEPTH
}

/// The beginning of a link, where its address is safe and no link is open already (a picture in a link).
fn link<'a>(url: &str, open: &mut Open) -> Option<Event<'a>> {
    let written = is_safe_url(url) && !open.links.contains(&true);
    open.links.push(written);
    written.then(|| {
        let mut tag = String::from("<a href=\"");
        // Writing to a String can't fail.
        let _ = pulldown_cmark_escape::escape_href(&mut tag, url);
        tag.push_str("\" rel=\"noopener nofollow ugc\">");
        Event::InlineHtml(tag.into())
    })
}

/// The first `max` characters of `text` as one plain line, for feeds, titles and previews.
pub fn summary(text: &str, max: usize) -> String {
    let mut plain = String::new();
    for event in Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(t) | Event::Code(t) | Event::Html(t) | Event::InlineHtml(t) => plain.push_str(&t),
            Event::SoftBreak | Event::HardBreak => plain.push(' '),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableCell) => plain.push(' '),
            _ => {}
        }
        if plain.len() > max * 4 {
            break;
        }
    }
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", words[..end].trim_end()),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html() {
        assert_eq!(render("It is **late**."), "<p>It is <strong>late</strong>.</p>\n");
        assert_eq!(render("one\ntwo"), "<p>one<br />\ntwo</p>\n");
        assert_eq!(render("# Big"), "<p><strong>Big</strong></p>\n");
    }

    #[test]
    fn raw_html_is_shown_as_text() {
        for text in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<svg><set onbegin=x>",
            "<!-- x -->",
            "<b>x</b>",
        ] {
            let html = render(text);
            assert!(html.contains("&lt;"), "{html}");
            assert!(
                !html.contains("<script") && !html.contains("<img") && !html.contains("<svg") && !html.contains("<b>"),
                "{html}"
            );
        }
    }

    #[test]
    fn links_lead_to_the_web_and_to_mail_only() {
        let good = render("[x](https://example.org/a?b=c)");
        assert_eq!(good, "<p><a href=\"https://example.org/a?b=c\" rel=\"noopener nofollow ugc\">x</a></p>\n");
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "&#x6a;avascript:alert(1)",
            "data:text/html,x",
            "//evil.test",
            "/local",
            "vbscript:x",
        ] {
            assert!(!render(&format!("[x]({bad})")).contains("href"), "{bad}");
        }
        assert!(render("![alt](https://example.org/p.png)").starts_with("<p><a href"));
    }

    #[test]
    fn a_long_and_nasty_text_is_rendered_quickly() {
        let nasty = ["[", "*a ", "> ", "- ", "`", "<a ", "![](", "| a ", "**", "_a_", "1. ", "&", "\\[", "[a](", "~~"];
        for piece in nasty {
            let text = piece.repeat(64 * 1024 / piece.len());
            let began = std::time::Instant::now();
            render(&text);
            // The house's bound is 100 ms in a release build; an unoptimised one gets more, but a
            // quadratic blow-up would take minutes.
            assert!(began.elapsed().as_secs() < 5, "{piece:?} took {:?}", began.elapsed());
        }
    }

    #[test]
    fn a_cleaner_finds_nothing_to_clean() {
        let vectors = [
            "<a href=\"javascript:x\">y</a>",
            "[a](https://x.test \"\\\" onclick=alert(1)\")",
            "```js\" onload=x\n<b>\n```",
            "| a | b |\n|:-:|--|\n| <i> | [x](https://y.test) |",
            "1. a\n2. b\n   - c\n\n> q",
            "~~x~~ `<b>`",
            "[![a](https://a.test)](https://b.test)",
            "<math><annotation-xml encoding=\"text/html\"><script>x</script>",
            "</textarea><script>alert(1)</script>",
            "5. five",
            "<https://auto.test/?a=<b>>",
            "[x]: https://y.test '\"><script>'\n[x]",
            "&lt;script&gt;",
            "# <img src=x onerror=y>",
        ];
        let mut cleaner = ammonia::Builder::default();
        cleaner
            .add_tag_attributes("ol", ["start"])
            .add_tag_attributes("table", ["tabindex"])
            .url_schemes(["http", "https", "mailto"].into());
        cleaner.link_rel(Some("noopener nofollow ugc"));
        let canonical = |html: &str| {
            ammonia::Builder::default()
                .add_tags(["script", "style"])
                .clean_content_tags([].into())
                .generic_attributes(["rel", "onclick", "onerror", "onload", "style", "src", "tabindex"].into())
                .link_rel(None)
                .clean(html)
                .to_string()
        };
        for text in vectors {
            let html = render(text);
            assert_eq!(cleaner.clean(&html).to_string(), canonical(&html), "{text}");
        }
    }

    #[test]
    fn a_summary_is_one_plain_line() {
        assert_eq!(summary("It is **late**.\n\n- one\n- two", 100), "It is late. one two");
        assert_eq!(summary("abcdef", 3), "abc…");
    }
}
