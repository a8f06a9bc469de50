//! Pages as a browser reads them: a real HTML tokenizer and simple selectors.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer};

#[derive(Debug, Default)]
pub struct Page(Vec<Element>);

#[derive(Debug)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// All text inside the element, spaces included.
    pub text: String,
    /// The ancestors, outermost first, as indexes.
    around: Vec<usize>,
}

impl Element {
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn words(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether one part of a selector, like `a.button[href='/x']`, matches.
    fn matches(&self, part: &str) -> bool {
        let end = part.find(['.', '#', '[']).unwrap_or(part.len());
        let (name, mut rest) = part.split_at(end);
        if !name.is_empty() && name != self.name {
            return false;
        }
        while let Some(kind) = rest.chars().next() {
            let length = if kind == '[' { rest.find(']').expect("]") + 1 } else { 1 + word_length(&rest[1..]) };
            let (this, after) = rest.split_at(length);
            rest = after;
            let value = &this[1..];
            let fits = match kind {
                '.' => self.attr("class").unwrap_or_default().split_whitespace().any(|class| class == value),
                '#' => self.attr("id") == Some(value),
                _ => match value.trim_end_matches(']').split_once('=') {
                    Some((name, value)) => {
                        let value = value.trim_matches(['\'', '"']);
                        match name.strip_suffix('^') {
                            Some(name) => self.attr(name).is_some_and(|own| own.starts_with(value)),
                            None => self.attr(name) == Some(value),
                        }
                    }
                    None => self.attr(value.trim_end_matches(']')).is_some(),
                },
            };
            if !fits {
                return false;
            }
        }
        true
    }
}

fn word_length(text: &str) -> usize {
    text.find(['.', '#', '[']).unwrap_or(text.len())
}

impl Page {
    pub fn read(html: &str) -> Self {
        let tokens = Tokenizer::new(Builder::default(), Default::default());
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        let _ = tokens.feed(&input);
        tokens.end();
        Self(tokens.sink.0.into_inner().elements)
    }

    pub fn elements(&self) -> &[Element] {
        &self.0
    }

    /// The elements that match `selector`: `name.class#id[attribute='value']`, spaces for descendants, commas for
    /// alternatives.
    pub fn select(&self, selector: &str) -> Vec<&Element> {
        self.0.iter().filter(|element| selector.split(',').any(|path| self.matches_path(element, path))).collect()
    }

    fn matches_path(&self, element: &Element, path: &str) -> bool {
        let parts: Vec<&str> = path.split_whitespace().collect();
        let Some((last, before)) = parts.split_last() else { return false };
        element.matches(last) && self.ancestors_match(&element.around, before)
    }

    /// Whether the elements of `around`, outermost first, match `parts` of a selector; `>` asks for the parent.
    fn ancestors_match(&self, around: &[usize], parts: &[&str]) -> bool {
        match parts {
            [] => true,
            [before @ .., parent, ">"] => around
                .split_last()
                .is_some_and(|(place, outer)| self.0[*place].matches(parent) && self.ancestors_match(outer, before)),
            [before @ .., part] => (0..around.len())
                .any(|end| self.0[around[end]].matches(part) && self.ancestors_match(&around[..end], before)),
        }
    }

    /// The descendants of `element` that match `selector`.
    pub fn within<'a>(&'a self, element: &Element, selector: &str) -> Vec<&'a Element> {
        let place = self.0.iter().position(|other| std::ptr::eq(other, element)).expect("an element of this page");
        self.select(selector).into_iter().filter(|inner| inner.around.contains(&place)).collect()
    }
}

#[derive(Default)]
struct Builder(RefCell<Building>);

#[derive(Default)]
struct Building {
    elements: Vec<Element>,
    open: Vec<usize>,
}

impl TokenSink for Builder {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut building = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => building.append_text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return building.begin(tag),
            Token::TagToken(tag) => building.end(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Building {
    fn append_text(&mut self, text: &str) {
        for index in &self.open {
            self.elements[*index].text.push_str(text);
        }
    }

    fn begin(&mut self, tag: Tag) -> TokenSinkResult<()> {
        let name = tag.name.to_string();
        let attribute = |it: &html5ever::Attribute| (it.name.local.to_string(), it.value.to_string());
        let attributes = tag.attrs.iter().map(attribute).collect();
        self.elements.push(Element { name: name.clone(), attributes, text: String::new(), around: self.open.clone() });
        let empty = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"];
        if !tag.self_closing && !empty.contains(&name.as_str()) {
            self.open.push(self.elements.len() - 1);
        }
        // The content of these elements is text, even if it looks like markup.
        match name.as_str() {
            "textarea" | "title" => TokenSinkResult::RawData(RawKind::Rcdata),
            "style" | "iframe" | "noembed" | "xmp" => TokenSinkResult::RawData(RawKind::Rawtext),
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            _ => TokenSinkResult::Continue,
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(place) = self.open.iter().rposition(|index| self.elements[*index].name == name) {
            self.open.truncate(place);
        }
    }
}
