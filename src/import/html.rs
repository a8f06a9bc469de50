//! Converts the HTML in texts of other programs to Markdown.
//!
//! Only tags that these programs render are converted; `<class name>` and the like stay as typed.

mod entity;
mod markdown;
mod tag;

use std::collections::BTreeMap;

use self::entity::{parse_entity, parse_shortcode};
use self::markdown::{
    escape_address, escape_label, is_numbered_line, limit_blank_lines, link, longest_run, mark_text, trim_spaces,
};
use self::tag::{HtmlTag, attribute, closing_tag, parse_tag};
use crate::format::url::is_safe_url;

/// Elements whose content is never shown.
const HIDDEN: [&str; 7] = ["script", "style", "head", "title", "template", "noscript", "textarea"];
const BLOCKS: [&str; 13] =
    ["p", "div", "section", "article", "header", "footer", "center", "dl", "dt", "dd", "table", "thead", "tbody"];
/// Elements without an equivalent in Markdown; only their content remains.
const PLAIN: [&str; 14] =
    ["u", "span", "font", "small", "big", "sub", "sup", "mark", "ins", "abbr", "cite", "var", "time", "label"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Break,
    Rule,
    Block,
    Heading,
    Quote,
    Preformatted,
    List,
    NumberedList,
    Item,
    Row,
    Cell,
    Image,
    Link,
    Mark(&'static str),
    Code,
    Plain,
    Hidden,
}

/// An element whose start is in the output at `at`.
struct OpenElement {
    name: String,
    element: Element,
    at: usize,
    address: String,
}

struct Converter<'a> {
    source: &'a str,
    at: usize,
    out: String,
    open: Vec<OpenElement>,
    /// The next number of each open list; `None` in a bulleted list.
    lists: Vec<Option<u32>>,
    /// Whether white space is skipped, because it is between two blocks.
    skips_space: bool,
    /// The next closing tag of each name, `None` if the rest of the text has none.
    closing: BTreeMap<String, Option<usize>>,
}

/// The text as Markdown: HTML tags and entities are converted, and shortcodes such as `:+1:` become emoji. Code in
/// Markdown stays as it is.
pub fn convert_html(text: &str) -> String {
    if !text.contains(['<', '&', ':']) {
        return text.to_owned();
    }
    let mut converter = Converter {
        source: text,
        at: 0,
        out: String::with_capacity(text.len()),
        open: Vec::new(),
        lists: Vec::new(),
        skips_space: false,
        closing: BTreeMap::new(),
    };
    while converter.at < text.len() {
        converter.step();
    }
    while let Some(open) = converter.open.pop() {
        converter.close(open);
    }
    converter.out
}

/// A line of text without entities and shortcodes.
pub fn convert_line(text: &str) -> String {
    if !text.contains(['&', ':']) {
        return text.to_owned();
    }
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        match parse_entity(rest).or_else(|| parse_shortcode(rest, out.chars().next_back())) {
            Some((replacement, length)) => {
                out.push_str(&replacement);
                at += length;
            }
            None => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    out
}

impl Converter<'_> {
    fn step(&mut self) {
        let rest = &self.source[self.at..];
        let Some(c) = rest.chars().next() else { return };
        match c {
            '`' | '~' if self.copy_code(rest, c) => return,
            '<' => {
                if let Some((tag, element)) = self.known_tag(rest) {
                    self.at += tag.length;
                    self.tag(&tag, element);
                    return;
                }
            }
            '&' => {
                if let Some((replacement, length)) = parse_entity(rest) {
                    self.at += length;
                    // A decoded `<` must not start a comment.
                    let escapes = replacement == "<" && self.source[self.at..].starts_with('!');
                    self.push(if escapes { "\\<" } else { &replacement });
                    return;
                }
            }
            ':' => {
                if let Some((emoji, length)) = parse_shortcode(rest, self.out.chars().next_back()) {
                    self.at += length;
                    self.push(&emoji);
                    return;
                }
            }
            c if c.is_whitespace() && self.skips_space => {
                self.at += c.len_utf8();
                return;
            }
            _ => {}
        }
        self.at += c.len_utf8();
        self.push(c.encode_utf8(&mut [0; 4]));
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.skips_space = false;
    }

    /// Copies a code span or a fenced code block.
    fn copy_code(&mut self, rest: &str, mark: char) -> bool {
        let length = rest.len() - rest.trim_start_matches(mark).len();
        let fence = &rest[..length];
        let is_line_start = self.out.is_empty() || self.out.ends_with('\n');
        let end = if length >= 3 && is_line_start {
            rest[length..].find(&format!("\n{fence}")).map_or(rest.len(), |end| length + end + 1 + length)
        } else if mark == '`' {
            let paragraph = rest[length..].find("\n\n").map_or(rest.len(), |end| length + end);
            let mut from = length;
            loop {
                let Some(found) = rest[from..paragraph].find('`').map(|found| from + found) else {
                    // No span: the backticks are text.
                    break length;
                };
                let run = rest[found..].len() - rest[found..].trim_start_matches('`').len();
                if run == length {
                    break found + run;
                }
                from = (found + run).min(paragraph);
            }
        } else {
            return false;
        };
        self.at += end;
        self.push(&rest[..end]);
        true
    }

    /// A tag to convert. A start tag of an element with content counts only if the text closes it.
    fn known_tag<'s>(&mut self, rest: &'s str) -> Option<(HtmlTag<'s>, Element)> {
        let tag = parse_tag(rest)?;
        let element = element(&tag.name)?;
        let has_pair = match element {
            Element::Break | Element::Rule | Element::Image => true,
            Element::Item | Element::Row | Element::Cell | Element::Block
                if tag.closes || tag.name == "p" || !self.lists.is_empty() =>
            {
                true
            }
            _ if tag.closes => self.open.iter().any(|open| open.name == tag.name),
            _ => self.is_closed_later(&tag.name),
        };
        has_pair.then_some((tag, element))
    }

    fn is_closed_later(&mut self, name: &str) -> bool {
        let known = self.closing.get(name).copied();
        let next = match known {
            Some(next) if next.is_none_or(|next| next > self.at) => next,
            _ => {
                let next = closing_tag(&self.source[self.at..], name).map(|end| self.at + end);
                self.closing.insert(name.to_owned(), next);
                next
            }
        };
        next.is_some()
    }

    fn tag(&mut self, tag: &HtmlTag<'_>, element: Element) {
        match element {
            Element::Break => {
                trim_spaces(&mut self.out);
                self.out.push('\n');
                let rest = &self.source[self.at..];
                let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
                let line_end = ["\r\n", "\n"].into_iter().find(|end| rest[blank..].starts_with(end));
                self.at += blank + line_end.map_or(0, str::len);
                limit_blank_lines(&mut self.out);
            }
            Element::Rule => {
                self.start_block();
                self.out.push_str("---");
                self.start_block();
            }
            Element::Block | Element::Row => self.start_line(element == Element::Block),
            Element::Cell if !tag.closes => {
                if !self.out.is_empty() && !self.out.ends_with('\n') {
                    self.out.push_str(" | ");
                }
            }
            Element::Item if !tag.closes => self.start_item(),
            Element::Item => self.skips_space = true,
            Element::Image => {
                let source = attribute(tag.attributes, "src").filter(|source| is_safe_url(source));
                let alt = attribute(tag.attributes, "alt").unwrap_or_default();
                match source {
                    Some(source) => {
                        self.push(&format!("[{}]({})", escape_label(&alt, &source), escape_address(&source)));
                    }
                    None => self.push(&alt),
                }
            }
            Element::Hidden => {
                let end = closing_tag(&self.source[self.at..], &tag.name);
                self.at += end.unwrap_or(self.source.len() - self.at);
            }
            _ if tag.closes => {
                let Some(position) = self.open.iter().rposition(|open| open.name == tag.name) else { return };
                while self.open.len() > position {
                    if let Some(open) = self.open.pop() {
                        self.close(open);
                    }
                }
            }
            _ => self.open_element(tag, element),
        }
    }

    fn open_element(&mut self, tag: &HtmlTag<'_>, element: Element) {
        match element {
            Element::Heading | Element::Quote => self.start_block(),
            Element::Preformatted => {
                self.start_block();
                self.skips_space = false;
            }
            Element::List | Element::NumberedList => {
                if self.lists.is_empty() {
                    self.start_block();
                }
                self.lists.push((element == Element::NumberedList).then_some(1));
                self.skips_space = true;
            }
            _ => {}
        }
        let address = attribute(tag.attributes, "href").unwrap_or_default();
        self.open.push(OpenElement { name: tag.name.clone(), element, at: self.out.len(), address });
    }

    fn close(&mut self, open: OpenElement) {
        let inner = |out: &mut String| {
            let start = (0..=open.at.min(out.len())).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
            out.split_off(start)
        };
        match open.element {
            Element::List | Element::NumberedList => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.start_block();
                }
            }
            Element::Heading => {
                let text = inner(&mut self.out).split_whitespace().collect::<Vec<_>>().join(" ");
                self.out.push_str(&if text.is_empty() { text } else { format!("#### {text}") });
                self.start_block();
            }
            Element::Quote => {
                let text = inner(&mut self.out);
                let lines: Vec<String> = text.trim().lines().map(|line| format!("> {line}")).collect();
                self.out.push_str(&lines.join("\n"));
                self.start_block();
            }
            Element::Preformatted => {
                let text = inner(&mut self.out);
                let text = text.trim_matches('\n');
                let fence = "`".repeat(longest_run(text).max(2) + 1);
                self.out.push_str(&format!("{fence}\n{text}\n{fence}"));
                self.start_block();
            }
            Element::Code => {
                let text = inner(&mut self.out);
                let is_inside_pre = self.open.iter().any(|open| open.element == Element::Preformatted);
                let fence = "`".repeat(longest_run(&text) + 1);
                let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
                let written = !text.trim().is_empty() && !is_inside_pre;
                self.push(&if written { format!("{fence}{pad}{text}{pad}{fence}") } else { text });
            }
            Element::Mark(mark) => {
                let text = inner(&mut self.out);
                let next = self.source[self.at..].chars().next();
                let marked = mark_text(&text, mark, self.out.chars().next_back(), next);
                self.out.push_str(&marked);
            }
            Element::Link => {
                let text = inner(&mut self.out);
                let link = link(text.trim(), &open.address);
                let (before, after) = (text.starts_with(' '), text.ends_with(' ') && !text.trim().is_empty());
                let space = |has: bool| if has { " " } else { "" };
                self.push(&format!("{}{link}{}", space(before), space(after)));
            }
            _ => {}
        }
    }

    fn start_item(&mut self) {
        self.start_line(false);
        let depth = self.lists.len().saturating_sub(1);
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        };
        self.out.push_str(&"   ".repeat(depth));
        self.out.push_str(&marker);
        self.skips_space = true;
    }

    /// Starts a new line, after a blank line if `is_block` and not in a list.
    fn start_line(&mut self, is_block: bool) {
        if is_block && self.lists.is_empty() {
            return self.start_block();
        }
        trim_spaces(&mut self.out);
        let is_item_start = self.out.ends_with('-') || self.out.ends_with('.') && is_numbered_line(&self.out);
        if is_block && is_item_start {
            self.out.push(' ');
        } else if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.skips_space = true;
    }

    fn start_block(&mut self) {
        let length = self.out.trim_end().len();
        self.out.truncate(length);
        if !self.out.is_empty() {
            self.out.push_str("\n\n");
        }
        self.skips_space = true;
    }
}

fn element(name: &str) -> Option<Element> {
    Some(match name {
        "br" => Element::Break,
        "hr" => Element::Rule,
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Element::Heading,
        "blockquote" => Element::Quote,
        "pre" => Element::Preformatted,
        "ul" | "menu" => Element::List,
        "ol" => Element::NumberedList,
        "li" => Element::Item,
        "tr" => Element::Row,
        "td" | "th" => Element::Cell,
        "img" => Element::Image,
        "a" => Element::Link,
        "b" | "strong" => Element::Mark("**"),
        "i" | "em" => Element::Mark("*"),
        "s" | "del" | "strike" => Element::Mark("~~"),
        "code" | "tt" | "kbd" | "samp" => Element::Code,
        _ if BLOCKS.contains(&name) => Element::Block,
        _ if PLAIN.contains(&name) => Element::Plain,
        _ if HIDDEN.contains(&name) => Element::Hidden,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::markdown::render_markdown;

    #[test]
    fn rendered_html_becomes_markdown() {
        for (html, markdown) in [
            ("a<br />b<BR>c", "a\nb\nc"),
            ("a<br><br/><br>b", "a\n\nb"),
            ("a<br />\r\nb", "a\nb"),
            ("<p>One</p><p>Two</p>", "One\n\nTwo\n\n"),
            (
                "Now:<ul><li><strong>08:00</strong> - <em>up</em></li> <li>b</li></ul>End",
                "Now:\n\n- **08:00** - *up*\n- b\n\nEnd",
            ),
            ("<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>", "1. a\n   - b\n2. c\n\n"),
            (
                "<a href=\"https://a.example/x?b=1&amp;c=(2)\">our <b>notes</b></a>",
                "[our **notes**](https://a.example/x?b=1&c=%282%29)",
            ),
            ("<a href='https://a.example'>https://a.example</a>", "https://a.example"),
            ("<a href=\"/local\">x</a> <a href=\"javascript:a()\">y</a>", "x y"),
            ("<b>Note:</b>text <b> x </b>y", "**Note**:text  **x** y"),
            ("Tea &amp; cake &lt;b&gt; &#39;x&#x27; &unknown; &", "Tea & cake <b> 'x' &unknown; &"),
            ("<span style=\"color:red\">x</span><u>y</u>", "xy"),
            ("<h3>Big</h3>x<hr>y", "#### Big\n\nx\n\n---\n\ny"),
            ("<pre>a  b\nc</pre>", "```\na  b\nc\n```\n\n"),
            ("<code>a`b</code>", "``a`b``"),
            ("a<script>alert(1)</script>b<style>x{}</style>", "ab"),
            ("<img src=\"https://a.example/p.png\" alt=\"Graph\">", "[Graph](https://a.example/p.png)"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a | b\nc\n\n"),
            ("Thanks :+1: at 10:00:00, :100:", "Thanks 👍 at 10:00:00, 💯"),
        ] {
            assert_eq!(convert_html(html), markdown, "{html}");
        }
        assert_eq!(convert_line("Mail &amp; lists :tada: a:b:c"), "Mail & lists 🎉 a:b:c");
    }

    #[test]
    fn text_that_only_looks_like_html_stays() {
        for text in [
            "<SOME/ALL> ferries, class <class name>, <b and <a lot> of it, </b>",
            "1 < 2 > 0, a <- b, <3, <https://a.example>, <user@a.example>",
            "run <code> with <b>",
            "`<br>` and ```<b>x</b>``` stay, https://a.example/:x:/y",
            "```\n<br>&amp;\n```",
            "a: b: c",
        ] {
            assert_eq!(convert_html(text), text);
        }
    }

    #[test]
    fn decoded_entities_never_become_comments_or_tags() {
        let text = convert_html("&lt;!-- shown --&gt; &lt;script&gt;alert(1)&lt;/script&gt;");
        let html = render_markdown(&text);
        assert!(html.contains("&lt;!-- shown --&gt;") && html.contains("&lt;script&gt;"), "{html}");
    }

    #[test]
    fn hostile_html_converts_quickly() {
        for piece in ["<", "<b>", "</b>", "<ul><li>", "&", ":", "`", "<a href=\"", "<b", "</", "<br>", "~~~\n", "`a``b"]
        {
            let text = piece.repeat(64 * 1024 / piece.len());
            let began = std::time::Instant::now();
            convert_html(&text);
            assert!(began.elapsed().as_secs() < 10, "{piece:?} took {:?}", began.elapsed());
        }
    }
}
