//! Reads the Markdown of updates as lines of styled text, and writes them in the markup of each channel.
//!
//! Bold text, links, lists, quotes and code keep their form; everything else becomes text. Each channel's writer
//! escapes text and addresses, so what a manager wrote never becomes markup of the channel.

use pulldown_cmark::{Event, Parser, Tag, TagEnd, TextMergeStream};

use crate::format::markdown::{find_addresses, parser_options, without_comments};
use crate::format::url::is_safe_url;

/// The deepest indentation of a list or quote.
const MAX_DEPTH: usize = 4;
/// Keeps `@name` from notifying people, without a visible difference.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markup {
    /// Links as `words (address)`.
    Plain,
    /// Slack's mrkdwn.
    Slack,
    /// Discord's Markdown.
    Discord,
    /// Mattermost's Markdown.
    Mattermost,
    /// The HTML of cards in Google Chat.
    GoogleChat,
    /// The HTML of Telegram.
    Telegram,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Indentation, the mark of a list item or `> `.
    pub prefix: String,
    pub runs: Vec<Run>,
    /// Whether the line is part of a code block.
    pub is_code: bool,
}

/// Text of one style within a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    pub text: String,
    pub is_bold: bool,
    pub is_code: bool,
    /// A safe address.
    pub link: Option<String>,
}

/// The lines of a Markdown text. Paragraphs are separated by an empty line.
pub fn read_lines(markdown: &str) -> Vec<Line> {
    let text = without_comments(markdown);
    let mut reader = Reader::default();
    for event in TextMergeStream::new(Parser::new_ext(&text, parser_options(&text))) {
        reader.read(event);
    }
    reader.end_line();
    while reader.lines.last().is_some_and(|line| line.runs.is_empty()) {
        reader.lines.pop();
    }
    reader.lines
}

/// Writes a Markdown text in the markup of a channel.
pub fn convert_markdown(markdown: &str, markup: Markup) -> String {
    let mut out = String::new();
    let mut in_code = false;
    for (index, line) in read_lines(markdown).iter().enumerate() {
        if in_code && !line.is_code {
            out.push_str(code_fences(markup).1);
        }
        if index > 0 {
            out.push('\n');
        }
        if line.is_code && !in_code {
            out.push_str(code_fences(markup).0);
        }
        in_code = line.is_code;
        write_line(&mut out, line, markup);
    }
    if in_code {
        out.push_str(code_fences(markup).1);
    }
    if markup == Markup::GoogleChat { out.replace('\n', "<br>") } else { out }
}

/// Text without meaning in the markup.
pub fn escape(text: &str, markup: Markup) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match (markup, c) {
            (_, '\0') => out.push('\u{fffd}'),
            (Markup::Plain, c) => out.push(c),
            (Markup::Slack | Markup::GoogleChat | Markup::Telegram, '&') => out.push_str("&amp;"),
            (Markup::Slack | Markup::GoogleChat | Markup::Telegram, '<') => out.push_str("&lt;"),
            (Markup::Slack | Markup::GoogleChat | Markup::Telegram, '>') => out.push_str("&gt;"),
            (Markup::GoogleChat | Markup::Telegram, '"') => out.push_str("&quot;"),
            (Markup::Mattermost, '@') => out.extend(['@', ZERO_WIDTH_SPACE]),
            (Markup::Discord | Markup::Mattermost, c) if "\\*_~`|>#-+[]()<:@!".contains(c) => out.extend(['\\', c]),
            (_, c) => out.push(c),
        }
    }
    out
}

/// A link in the markup. `url` is safe.
pub fn write_link(text: &str, url: &str, markup: Markup) -> String {
    match markup {
        Markup::Plain if text.trim() == url => url.to_owned(),
        Markup::Plain => format!("{text} ({url})"),
        Markup::Slack if text.trim() == url => format!("<{}>", escape_url(url, markup)),
        Markup::Slack => format!("<{}|{}>", escape_url(url, markup), escape(&text.replace('|', "¦"), markup)),
        // Discord shows a link whose words are an address as text.
        Markup::Discord | Markup::Mattermost if text.contains("://") => escape_url(url, markup),
        Markup::Discord | Markup::Mattermost => format!("[{}]({})", escape(text, markup), escape_url(url, markup)),
        Markup::GoogleChat | Markup::Telegram => {
            format!("<a href=\"{}\">{}</a>", escape_url(url, markup), escape(text, markup))
        }
    }
}

/// [`is_safe_url`] excludes spaces, quotes and angle brackets; the rest depends on the markup.
fn escape_url(url: &str, markup: Markup) -> String {
    match markup {
        Markup::Plain => url.to_owned(),
        Markup::Slack => escape(&url.replace('|', "%7C"), markup),
        Markup::Discord | Markup::Mattermost => url.replace('(', "%28").replace(')', "%29").replace('@', "%40"),
        Markup::GoogleChat | Markup::Telegram => escape(url, markup),
    }
}

fn write_line(out: &mut String, line: &Line, markup: Markup) {
    // In Markdown, a space at the end of a prefix would otherwise be all that is left of an empty quote.
    if !line.runs.is_empty() {
        out.push_str(&match markup {
            Markup::Discord | Markup::Mattermost => line.prefix.replace("• ", "- "),
            Markup::Plain => line.prefix.clone(),
            Markup::Slack | Markup::GoogleChat | Markup::Telegram => escape(&line.prefix, markup),
        });
    }
    for run in &line.runs {
        write_run(out, run, line.is_code, markup);
    }
}

fn write_run(out: &mut String, run: &Run, in_code_block: bool, markup: Markup) {
    if in_code_block {
        return out.push_str(&escape_code(&run.text, markup));
    }
    if let Some(url) = &run.link {
        return out.push_str(&write_link(&run.text, url, markup));
    }
    let inner = run.text.trim();
    let (open, close) = match (run.is_code, run.is_bold) {
        (true, _) => code_marks(markup),
        (false, true) => bold_marks(markup, inner),
        (false, false) => ("", ""),
    };
    let words = if run.is_code && !open.is_empty() { escape_code(inner, markup) } else { escape(inner, markup) };
    if inner.is_empty() || open.is_empty() || (run.is_code && run.text.contains('`')) {
        return out.push_str(&escape(&run.text, markup));
    }
    let (before, after) = run.text.split_once(inner).unwrap_or_default();
    out.extend([before, open, words.as_str(), close, after]);
}

fn bold_marks(markup: Markup, inner: &str) -> (&'static str, &'static str) {
    match markup {
        Markup::Plain => ("", ""),
        // mrkdwn has no escape for its own marks.
        Markup::Slack if inner.contains(['*', '_', '~', '`']) => ("", ""),
        Markup::Slack => ("*", "*"),
        Markup::Discord | Markup::Mattermost => ("**", "**"),
        Markup::GoogleChat | Markup::Telegram => ("<b>", "</b>"),
    }
}

fn code_marks(markup: Markup) -> (&'static str, &'static str) {
    match markup {
        Markup::Plain | Markup::GoogleChat => ("", ""),
        Markup::Slack | Markup::Discord | Markup::Mattermost => ("`", "`"),
        Markup::Telegram => ("<code>", "</code>"),
    }
}

fn code_fences(markup: Markup) -> (&'static str, &'static str) {
    match markup {
        Markup::Plain | Markup::GoogleChat => ("", ""),
        Markup::Slack | Markup::Discord | Markup::Mattermost => ("```\n", "\n```"),
        Markup::Telegram => ("<pre>", "</pre>"),
    }
}

/// Text within code, where only the end of the code has a meaning.
fn escape_code(text: &str, markup: Markup) -> String {
    match markup {
        Markup::Discord | Markup::Mattermost => {
            text.replace('`', "ˋ").replace('@', &format!("@{ZERO_WIDTH_SPACE}")).replace('\0', "\u{fffd}")
        }
        Markup::Slack => escape(&text.replace('`', "ˋ"), markup),
        Markup::Plain | Markup::GoogleChat | Markup::Telegram => escape(text, markup),
    }
}

#[derive(Default)]
struct Reader {
    lines: Vec<Line>,
    line: Line,
    bold: usize,
    in_code: bool,
    /// The addresses of open links and images; `None` for an unsafe one.
    links: Vec<Option<String>>,
    /// For each open list: the number of the next item, or `None` for bullets.
    lists: Vec<Option<u64>>,
    quotes: usize,
    /// Separators of table cells that are written only if text follows, because short rows are filled up.
    cells: usize,
}

impl Reader {
    fn read(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.add_text(&text),
            Event::Code(code) => {
                let link = self.link();
                let run = Run { text: code.into_string(), is_code: true, link, ..Run::default() };
                self.add_run(run);
            }
            Event::SoftBreak | Event::HardBreak => self.end_line(),
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(tag),
            _ => {}
        }
    }

    fn open(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong | Tag::Heading { .. } => self.bold += 1,
            Tag::CodeBlock(_) => {
                self.end_line();
                self.in_code = true;
            }
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push(is_safe_url(&dest_url).then(|| dest_url.into_string()));
            }
            Tag::List(first) => {
                self.end_line();
                self.lists.push(first);
            }
            Tag::Item => self.begin_item(),
            Tag::BlockQuote(_) => self.quotes += 1,
            Tag::TableCell if !self.line.runs.is_empty() || self.cells > 0 => self.cells += 1,
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.bold -= 1,
            TagEnd::Heading(_) => {
                self.bold -= 1;
                self.end_paragraph();
            }
            TagEnd::CodeBlock => {
                self.end_line();
                self.in_code = false;
                self.end_paragraph();
            }
            TagEnd::Link | TagEnd::Image => {
                self.links.pop();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.end_paragraph();
                }
            }
            TagEnd::BlockQuote(_) => {
                self.quotes -= 1;
                self.end_paragraph();
            }
            TagEnd::Paragraph if !self.lists.is_empty() => self.end_line(),
            TagEnd::Paragraph | TagEnd::Table | TagEnd::HtmlBlock => self.end_paragraph(),
            TagEnd::Item | TagEnd::TableRow | TagEnd::TableHead => self.end_line(),
            _ => {}
        }
    }

    fn begin_item(&mut self) {
        self.end_line();
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(MAX_DEPTH));
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number += 1;
                mark
            }
            _ => "• ".to_owned(),
        };
        self.line.prefix = format!("{}{indent}{mark}", self.quote_marks());
    }

    fn quote_marks(&self) -> String {
        "> ".repeat(self.quotes.min(MAX_DEPTH))
    }

    fn link(&self) -> Option<String> {
        self.links.iter().flatten().next().cloned()
    }

    fn add_text(&mut self, text: &str) {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.end_code_or_text_line();
            }
            if line.is_empty() {
                continue;
            }
            match self.link() {
                None if !self.in_code => self.add_with_addresses(line),
                link => {
                    let run = Run { text: line.to_owned(), is_bold: self.bold > 0, link, ..Run::default() };
                    self.add_run(run);
                }
            }
        }
    }

    fn add_with_addresses(&mut self, text: &str) {
        let is_bold = self.bold > 0;
        let mut done = 0;
        for address in find_addresses(text) {
            self.add_run(Run { text: text[done..address.start].to_owned(), is_bold, ..Run::default() });
            let url = &text[address.clone()];
            self.add_run(Run { text: url.to_owned(), link: Some(url.to_owned()), ..Run::default() });
            done = address.end;
        }
        self.add_run(Run { text: text[done..].to_owned(), is_bold, ..Run::default() });
    }

    fn add_run(&mut self, run: Run) {
        if run.text.is_empty() {
            return;
        }
        if self.line.prefix.is_empty() && self.line.runs.is_empty() {
            self.line.prefix = self.quote_marks();
        }
        if self.cells > 0 {
            let text = " | ".repeat(std::mem::take(&mut self.cells));
            self.line.runs.push(Run { text, ..Run::default() });
        }
        match self.line.runs.last_mut() {
            Some(last) if (last.is_bold, last.is_code, &last.link) == (run.is_bold, run.is_code, &run.link) => {
                last.text.push_str(&run.text);
            }
            _ => self.line.runs.push(run),
        }
    }

    /// Empty lines matter in code only.
    fn end_code_or_text_line(&mut self) {
        if self.in_code {
            self.lines.push(Line { is_code: true, ..std::mem::take(&mut self.line) });
        } else {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        self.cells = 0;
        let line = std::mem::take(&mut self.line);
        if !line.runs.is_empty() {
            self.lines.push(Line { is_code: self.in_code, ..line });
        }
    }

    fn end_paragraph(&mut self) {
        self.end_line();
        if self.lines.last().is_some_and(|line| !line.runs.is_empty() || line.is_code) {
            self.lines.push(Line::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "**Mail** to `mx1` is late, see [the log](https://a.example/x?a=1&b=(2)).\n\n\
                        1. first\n2. second\n   - inner\n\n> quoted\n\n    code & <more>\n\nhttps://b.example/a_y_b";

    #[test]
    fn each_channel_gets_its_own_markup() {
        for (markup, expected) in [
            (
                Markup::Plain,
                "Mail to mx1 is late, see the log (https://a.example/x?a=1&b=(2)).\n\n1. first\n2. second\n  • inner\n\n\
                 > quoted\n\ncode & <more>\n\nhttps://b.example/a_y_b",
            ),
            (
                Markup::Slack,
                "*Mail* to `mx1` is late, see <https://a.example/x?a=1&amp;b=(2)|the log>.\n\n1. first\n2. second\n  \
                 • inner\n\n&gt; quoted\n\n```\ncode &amp; &lt;more&gt;\n```\n\n<https://b.example/a_y_b>",
            ),
            (
                Markup::Discord,
                "**Mail** to `mx1` is late, see [the log](https://a.example/x?a=1&b=%282%29).\n\n1. first\n2. second\n  \
                 - inner\n\n> quoted\n\n```\ncode & <more>\n```\n\nhttps://b.example/a_y_b",
            ),
            (
                Markup::GoogleChat,
                "<b>Mail</b> to mx1 is late, see <a href=\"https://a.example/x?a=1&amp;b=(2)\">the log</a>.<br><br>\
                 1. first<br>2. second<br>  • inner<br><br>&gt; quoted<br><br>code &amp; &lt;more&gt;<br><br>\
                 <a href=\"https://b.example/a_y_b\">https://b.example/a_y_b</a>",
            ),
            (
                Markup::Telegram,
                "<b>Mail</b> to <code>mx1</code> is late, see <a href=\"https://a.example/x?a=1&amp;b=(2)\">the log</a>.\
                 \n\n1. first\n2. second\n  • inner\n\n&gt; quoted\n\n<pre>code &amp; &lt;more&gt;</pre>\n\n\
                 <a href=\"https://b.example/a_y_b\">https://b.example/a_y_b</a>",
            ),
        ] {
            assert_eq!(convert_markdown(TEXT, markup), expected, "{markup:?}");
        }
    }

    #[test]
    fn text_never_becomes_markup() {
        let convert = |text, markup| convert_markdown(text, markup);
        assert_eq!(convert("<!channel> <@U1>", Markup::Slack), "&lt;!channel&gt; &lt;@U1&gt;");
        assert_eq!(convert("\\*a\\* \\[x\\](y)", Markup::Discord), "\\*a\\* \\[x\\]\\(y\\)");
        assert_eq!(convert("@channel `@all`", Markup::Mattermost), "@\u{200b}channel `@\u{200b}all`");
        assert_eq!(convert("[x](javascript:alert)", Markup::Telegram), "x");
        assert_eq!(convert("**a\\*b**", Markup::Slack), "a*b");
        assert_eq!(convert("``a`b``", Markup::Discord), "a\\`b");
        assert_eq!(convert("[a|b](https://x.example/|c)", Markup::Slack), "<https://x.example/%7Cc|a¦b>");
        assert_eq!(convert("a <!-- internal --> b", Markup::Plain), "a  b");
    }

    #[test]
    fn table_cells_are_separated_and_padding_is_dropped() {
        assert_eq!(convert_markdown("|a|b|\n|-|-|\n|c|d|\n|e|", Markup::Plain), "a | b\nc | d\ne");
        let wide = format!("{}\n{}\n{}", "|a".repeat(30), "|-".repeat(30), "x\n".repeat(8_000));
        assert!(convert_markdown(&wide, Markup::Plain).len() < 2 * wide.len());
    }

    #[test]
    fn code_blocks_keep_their_empty_lines() {
        assert_eq!(convert_markdown("```\na\n\n```x\n```\nb", Markup::Slack).matches("```").count() % 2, 0);
        assert_eq!(convert_markdown("```\na\n\nb\n```\nc", Markup::Slack), "```\na\n\nb\n```\n\nc");
    }
}
