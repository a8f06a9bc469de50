//! Renders the Markdown of updates to HTML, for the page and the preview.
//!
//! The output is safe by construction: `sanitize_event` lets a short list of parser events through and turns the rest
//! into escaped text. A sanitizer that parses the HTML again needed seconds for 64 KiB of `&` or `>`.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, TextMergeStream, html};

use crate::format::url::is_safe_url;

/// The maximum depth of quotes and lists, and of emphasis; deeper levels are flattened.
const MAX_DEPTH: usize = 16;
/// The most `|` characters in one line of a text with tables. The parser pads every short row to the width of its
/// table, so one-letter rows below a very wide header would produce millions of cells.
const MAX_BARS: usize = 32;

const COMMENT_START: &str = "<!--";
const COMMENT_END: &str = "-->";
/// Punctuation that ends a sentence after a bare address and is not part of it.
const AFTER_ADDRESS: &[char] = &['?', '!', '.', ',', ':', ';', '*', '_', '~', '\'', ']', '}', '|'];
/// Punctuation of scripts without spaces, which no address contains.
const WIDE_PUNCTUATION: &str = "。、，；：！？（）「」『』【】《》";

/// Raw HTML becomes text, comments are left out, links lead to http, https and mailto only, bare addresses become
/// links, headings become bold paragraphs (the page has its own outline) and images become links.
pub fn render_markdown(text: &str) -> String {
    let text = &*without_comments(text);
    let mut open = RenderState { cells: text.len(), ..RenderState::default() };
    let mut events = Vec::new();
    for event in TextMergeStream::new(Parser::new_ext(text, parser_options(text))) {
        match event {
            Event::Text(text) if open.links.is_empty() && !open.in_code => link_addresses(text, &mut events),
            event => events.extend(sanitize_event(event, &mut open)),
        }
    }
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, events.into_iter());
    out
}

/// The text without HTML comments, except in code. As in Markdown, an unclosed comment at the start of a line goes on
/// to the end of the text.
pub fn without_comments(text: &str) -> Cow<'_, str> {
    if !text.contains(COMMENT_START) {
        return Cow::Borrowed(text);
    }
    let code: Vec<_> = Parser::new_ext(text, parser_options(text))
        .into_offset_iter()
        .filter(|(event, _)| matches!(event, Event::Code(_) | Event::Start(Tag::CodeBlock(_))))
        .map(|(_, range)| range)
        .collect();
    let last_end = text.rfind(COMMENT_END);
    let (mut kept, mut done, mut next_code) = (String::with_capacity(text.len()), 0, 0);
    for (at, _) in text.match_indices(COMMENT_START) {
        while code.get(next_code).is_some_and(|range| range.end <= at) {
            next_code += 1;
        }
        if at < done || is_escaped(text, at) || code.get(next_code).is_some_and(|range| range.contains(&at)) {
            continue;
        }
        let is_line_start = text[..at].rsplit('\n').next().is_none_or(|before| before.trim().is_empty());
        let Some(end) = comment_end(text, at, last_end).or_else(|| is_line_start.then_some(text.len())) else {
            continue;
        };
        kept.push_str(&text[done..at]);
        let rest = &text[end..];
        done = end + if is_line_start && rest.starts_with('\n') { 1 } else { 0 };
    }
    kept.push_str(&text[done..]);
    Cow::Owned(kept)
}

/// Whether a backslash makes the character at `at` literal.
fn is_escaped(text: &str, at: usize) -> bool {
    text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// The end of the comment that starts at `at`. `<!-->` and `<!--->` are complete comments. `last_end` is where the last
/// `-->` of the text starts.
fn comment_end(text: &str, at: usize, last_end: Option<usize>) -> Option<usize> {
    let inside = at + COMMENT_START.len();
    let rest = &text[inside..];
    if rest.starts_with('>') {
        return Some(inside + 1);
    }
    if rest.starts_with("->") {
        return Some(inside + 2);
    }
    // Without this check, many unclosed comments would take quadratic time.
    last_end.filter(|last| *last >= inside)?;
    Some(inside + rest.find(COMMENT_END)? + COMMENT_END.len())
}

/// Splits a text into links and the rest.
fn link_addresses<'a>(text: CowStr<'a>, events: &mut Vec<Event<'a>>) {
    let mut done = 0;
    for Range { start, end } in find_addresses(&text) {
        let address = &text[start..end];
        events.push(Event::Text(text[done..start].to_owned().into()));
        events.push(open_link(address));
        events.push(Event::Text(address.to_owned().into()));
        events.push(Event::Html("</a>".into()));
        done = end;
    }
    if done == 0 {
        events.push(Event::Text(text));
    } else {
        events.push(Event::Text(text[done..].to_owned().into()));
    }
}

/// Where bare addresses are in a text, in order.
pub fn find_addresses(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (start, _) in text.match_indices("http") {
        if found.last().is_some_and(|last| start < last.end) {
            continue;
        }
        found.extend(address_end(text, start).map(|end| start..end));
    }
    found
}

/// The end of the bare address that starts at `start`, if one does.
fn address_end(text: &str, start: usize) -> Option<usize> {
    if text[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '+' | '-')) {
        return None;
    }
    let rest = &text[start..];
    let scheme = ["https://", "http://"].into_iter().find(|scheme| rest.starts_with(scheme))?;
    let is_outside =
        |c: char| c.is_whitespace() || c.is_control() || "<>\"`".contains(c) || WIDE_PUNCTUATION.contains(c);
    let mut address = &rest[..rest.find(is_outside).unwrap_or(rest.len())];
    let mut unopened = address.matches(')').count().saturating_sub(address.matches('(').count());
    loop {
        address = address.trim_end_matches(AFTER_ADDRESS);
        let Some(inner) = address.strip_suffix(')').filter(|_| unopened > 0) else { break };
        (address, unopened) = (inner, unopened - 1);
    }
    let is_complete = address[scheme.len().min(address.len())..].starts_with(|c: char| c.is_alphanumeric() || c == '[');
    (is_complete && is_safe_url(address)).then_some(start + address.len())
}

pub fn render_truncated(text: &str, max: usize) -> String {
    let end = text.char_indices().nth(max).map_or(text.len(), |(end, _)| end);
    render_markdown(&text[..end])
}

/// The Markdown extensions that `text` is read with.
pub fn parser_options(text: &str) -> Options {
    let is_wide = text.lines().any(|line| line.matches('|').count() > MAX_BARS);
    let tables = if is_wide { Options::empty() } else { Options::ENABLE_TABLES };
    Options::ENABLE_STRIKETHROUGH | tables
}

#[derive(Default)]
struct RenderState {
    depth: usize,
    emphasis: usize,
    /// Table cells left to render, initially the length of the text. Further padding cells are dropped.
    cells: usize,
    in_cell: bool,
    in_code: bool,
    links: Vec<bool>,
}

fn sanitize_event<'a>(event: Event<'a>, open: &mut RenderState) -> Option<Event<'a>> {
    match event {
        Event::Text(_) | Event::Code(_) | Event::HardBreak | Event::Rule => Some(event),
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        Event::SoftBreak => Some(Event::HardBreak),
        Event::Start(tag) => sanitize_start(tag, open),
        Event::End(tag) => sanitize_end(tag, open),
        _ => None,
    }
}

fn sanitize_start<'a>(tag: Tag<'a>, open: &mut RenderState) -> Option<Event<'a>> {
    match tag {
        Tag::Paragraph => Some(Event::Start(tag)),
        Tag::Emphasis | Tag::Strong | Tag::Strikethrough => nest(&mut open.emphasis).then_some(Event::Start(tag)),
        Tag::CodeBlock(_) => {
            open.in_code = true;
            Some(Event::Start(Tag::CodeBlock(pulldown_cmark::CodeBlockKind::Indented)))
        }
        // A wide table scrolls horizontally, so keyboard users must be able to focus it.
        Tag::Table(_) => Some(Event::Html("<table tabindex=\"0\">".into())),
        Tag::TableHead | Tag::TableRow => Some(Event::Start(tag)),
        Tag::TableCell => {
            open.in_cell = open.cells > 0;
            open.cells = open.cells.saturating_sub(1);
            open.in_cell.then_some(Event::Start(tag))
        }
        Tag::HtmlBlock => Some(Event::Start(Tag::Paragraph)),
        Tag::Heading { .. } => Some(Event::Html("<p><strong>".into())),
        Tag::BlockQuote(_) => nest(&mut open.depth).then_some(Event::Start(Tag::BlockQuote(None))),
        Tag::List(_) | Tag::Item => nest(&mut open.depth).then_some(Event::Start(tag)),
        Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => sanitize_link(&dest_url, open),
        _ => None,
    }
}

fn sanitize_end<'a>(tag: TagEnd, open: &mut RenderState) -> Option<Event<'a>> {
    match tag {
        TagEnd::Paragraph => Some(Event::End(tag)),
        TagEnd::CodeBlock => {
            open.in_code = false;
            Some(Event::End(tag))
        }
        TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
            unnest(&mut open.emphasis).then_some(Event::End(tag))
        }
        TagEnd::Table | TagEnd::TableHead | TagEnd::TableRow => Some(Event::End(tag)),
        TagEnd::TableCell => open.in_cell.then_some(Event::End(tag)),
        TagEnd::HtmlBlock => Some(Event::End(TagEnd::Paragraph)),
        TagEnd::Heading(_) => Some(Event::Html("</strong></p>\n".into())),
        TagEnd::BlockQuote(_) => unnest(&mut open.depth).then_some(Event::End(TagEnd::BlockQuote(None))),
        TagEnd::List(_) | TagEnd::Item => unnest(&mut open.depth).then_some(Event::End(tag)),
        TagEnd::Link | TagEnd::Image => open.links.pop()?.then_some(Event::Html("</a>".into())),
        _ => None,
    }
}

fn nest(depth: &mut usize) -> bool {
    *depth += 1;
    *depth <= MAX_DEPTH
}

fn unnest(depth: &mut usize) -> bool {
    *depth -= 1;
    *depth < MAX_DEPTH
}

/// Opens a link if its address is safe and no other link is open (an image inside a link).
fn sanitize_link<'a>(url: &str, open: &mut RenderState) -> Option<Event<'a>> {
    let written = is_safe_url(url) && !open.links.contains(&true);
    open.links.push(written);
    written.then(|| open_link(url))
}

fn open_link<'a>(url: &str) -> Event<'a> {
    let mut tag = String::from("<a href=\"");
    let _ = pulldown_cmark_escape::escape_href(&mut tag, url);
    tag.push_str("\" rel=\"noopener nofollow ugc\">");
    Event::InlineHtml(tag.into())
}

pub fn plain_summary(text: &str, max: usize) -> String {
    let mut plain = String::new();
    for event in Parser::new_ext(&without_comments(text), Options::ENABLE_STRIKETHROUGH) {
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
        assert_eq!(render_markdown("It is **late**."), "<p>It is <strong>late</strong>.</p>\n");
        assert_eq!(render_markdown("one\ntwo"), "<p>one<br />\ntwo</p>\n");
        assert_eq!(render_markdown("# Big"), "<p><strong>Big</strong></p>\n");
    }

    #[test]
    fn raw_html_is_shown_as_text() {
        for text in
            ["<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "<svg><set onbegin=x>", "<b>x</b>"]
        {
            let html = render_markdown(text);
            assert!(html.contains("&lt;"), "{html}");
            assert!(
                !html.contains("<script") && !html.contains("<img") && !html.contains("<svg") && !html.contains("<b>"),
                "{html}"
            );
        }
    }

    #[test]
    fn only_web_and_mail_links_are_allowed() {
        let good = render_markdown("[x](https://example.org/a?b=c)");
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
            assert!(!render_markdown(&format!("[x]({bad})")).contains("href"), "{bad}");
        }
        assert!(render_markdown("![alt](https://example.org/p.png)").starts_with("<p><a href"));
    }

    #[test]
    fn bare_addresses_are_links() {
        let link = |url: &str| format!("<a href=\"{url}\" rel=\"noopener nofollow ugc\">{url}</a>");
        for (text, before, url, after) in [
            ("See https://pier.example/live.", "See ", "https://pier.example/live", "."),
            ("(https://pier.example/a_(b))", "(", "https://pier.example/a_(b)", ")"),
            ("**http://pier.example**", "<strong>", "http://pier.example", "</strong>"),
            ("見て https://pier.example/x。終", "見て ", "https://pier.example/x", "。終"),
            ("https://a.example/a_b_c?d=1", "", "https://a.example/a_b_c?d=1", ""),
        ] {
            assert_eq!(render_markdown(text), format!("<p>{before}{}{after}</p>\n", link(url)), "{text}");
        }
        for text in ["xhttps://a.example", "http://", "https:// a", "`https://a.example`", "    https://a.example"] {
            assert!(!render_markdown(text).contains("href"), "{text}");
        }
        let once = render_markdown("[https://a.example](https://b.example) <https://c.example>");
        assert_eq!(once.matches("href").count(), 2, "{once}");
    }

    #[test]
    fn comments_are_left_out_except_in_code() {
        for (text, kept) in [
            ("a <!-- secret --> b", "a  b"),
            ("a\n<!-- secret\n\nsecret -->\nb", "a\nb"),
            ("a\n\n<!-- secret", "a\n\n"),
            ("<!--> b", " b"),
            ("> <!-- secret `x` --> b", ">  b"),
            ("`<!-- x -->`", "`<!-- x -->`"),
            ("```\n<!-- x -->\n```", "```\n<!-- x -->\n```"),
            ("a <!-- b", "a <!-- b"),
            ("\\<!-- b -->", "\\<!-- b -->"),
        ] {
            assert_eq!(without_comments(text), kept);
            assert!(!render_markdown(text).contains("secret") && !plain_summary(text, 99).contains("secret"));
        }
    }

    #[test]
    fn hostile_long_text_renders_quickly() {
        let nasty = [
            "[",
            "*a ",
            "> ",
            "- ",
            "`",
            "<a ",
            "![](",
            "| a ",
            "**",
            "_a_",
            "1. ",
            "&",
            "\\[",
            "[a](",
            "~~",
            "<!-- ",
            "http://a)",
            "https://",
        ];
        for piece in nasty {
            let text = piece.repeat(64 * 1024 / piece.len());
            let began = std::time::Instant::now();
            render_markdown(&text);
            // The limit is 100 ms in a release build. A debug build is slower, but quadratic time would take minutes.
            assert!(began.elapsed().as_secs() < 5, "{piece:?} took {:?}", began.elapsed());
        }
    }

    /// Texts of about `length` bytes that try to produce far more output or work than their size.
    fn bombs(length: usize) -> Vec<(&'static str, String)> {
        let times = |piece: &str| piece.repeat(length / piece.len());
        let half = |piece: &str| piece.repeat(length / piece.len() / 2);
        let table = |columns: usize, rows: usize| {
            format!("{}|\n{}|\n{}\n", "|a".repeat(columns), "|-".repeat(columns), "a\n".repeat(rows))
        };
        let address = format!("https://example.org/{}", half("x"));
        let deep =
            |piece: &str| (0..length.isqrt()).map(|depth| format!("{}{piece} a\n", "  ".repeat(depth))).collect();
        vec![
            ("a table of many columns, and rows of one", table(length / 8, length / 4)),
            ("many such tables", times(&table(400, 600))),
            ("a table as wide as may be, and rows of one", table(MAX_BARS - 1, length / 2)),
            ("many such tables", times(&table(MAX_BARS - 1, 40))),
            ("a row that never ends", format!("|a|\n|-|\n{}", times("|"))),
            ("a table of a megabyte's cells", format!("|a|b|\n|-|-|\n{}", times("|c|d|\n"))),
            ("quotes", times("> ")),
            ("quotes of one line each", times(">\n")),
            ("lists", times("- ")),
            ("numbered lists", times("1. ")),
            ("lists within lists", deep("-")),
            ("quotes within quotes", deep(">")),
            ("lists and quotes in turn", times("- > ")),
            ("emphasis", format!("{}a{}", half("*a "), half(" a*"))),
            ("emphasis of two kinds", format!("{}a{}", half("*a **b "), half(" b** a*"))),
            ("emphasis that closes nothing", times("*a_ ")),
            ("links in links", format!("{}a{}", half("["), half("](/a)"))),
            ("pictures in pictures", format!("{}a{}", half("!["), half("](https://a.test)"))),
            ("links that never end", times("[a](<b")),
            ("one long address, named again and again", format!("[a]: {address}\n\n{}", half("[a] "))),
            ("a long word", times("a")),
            ("an address of slashes", format!("https:{}", times("/"))),
            ("code that grows", (1..length.isqrt()).map(|ticks| format!("a{} ", "`".repeat(ticks))).collect()),
            ("comments", times("<!-- ")),
            ("elements", times("<a><b ")),
            ("instructions", times("<?a ")),
            ("headings", times("# a\n")),
            ("lines", times("a\n")),
            ("rules", times("---\n")),
            ("entities", times("&amp;&#1114111;&")),
        ]
    }

    #[test]
    fn output_size_is_proportional_to_input() {
        for (what, text) in bombs(25_000) {
            let html = render_markdown(&text);
            assert!(html.len() < 30 * text.len() + 100_000, "{what}: {} of {}", html.len(), text.len());
            let (mut depth, mut deepest) = (0_usize, 0);
            for tag in html.split('<').skip(1).filter(|tag| !tag.starts_with("br") && !tag.starts_with("hr")) {
                depth = if tag.starts_with('/') { depth - 1 } else { depth + 1 };
                deepest = deepest.max(depth);
            }
            assert_eq!(depth, 0, "{what}: {html:.200}");
            assert!(deepest <= 2 * MAX_DEPTH + 4, "{what}: {deepest}");
        }
    }

    #[test]
    fn render_time_is_linear() {
        let work = |text: &str| Parser::new_ext(text, parser_options(text)).count();
        for ((what, short), (_, long)) in bombs(64 * 1024).into_iter().zip(bombs(1 << 20)) {
            let (work, more) = (work(&short), work(&long));
            assert!(work < MAX_BARS * short.len(), "{what}: {work} events of {} bytes", short.len());
            assert!(more < 20 * work, "{what}: {work} events, and of sixteen times as much {more}");
        }
    }

    #[test]
    fn a_text_with_a_very_wide_line_has_no_tables() {
        let row = |bars: usize| format!("{}\n{}\n", "|a".repeat(bars), "|-".repeat(bars));
        assert!(
            render_markdown(&row(MAX_BARS)).contains("<table")
                && !render_markdown(&row(MAX_BARS + 1)).contains("<table")
        );
        assert_eq!(render_markdown("|a|b|\n|-|-|\nc\n").matches("<td>").count(), 2, "a short row is filled up");
    }

    #[test]
    fn sanitizer_removes_nothing() {
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
            let html = render_markdown(text);
            assert_eq!(cleaner.clean(&html).to_string(), canonical(&html), "{text}");
        }
    }

    #[test]
    fn a_summary_is_one_plain_line() {
        assert_eq!(plain_summary("It is **late**.\n\n- one\n- two", 100), "It is late. one two");
        assert_eq!(plain_summary("abcdef", 3), "abc…");
    }
}
