//! Form parts. Every control has a label, and its hint and error stand beside it and are tied to it.

use leptos::prelude::*;

use crate::domain::Invalid;

/// What is wrong with a form, in the order in which its fields stand on the page.
#[derive(Clone, Debug, Default)]
pub struct FormErrors(Vec<(String, String)>);

impl FormErrors {
    /// The messages of `invalid`, those of the fields in `order` first.
    pub fn new(invalid: &Invalid, order: &[&str]) -> Self {
        let place = |field: &str| order.iter().position(|name| *name == field).unwrap_or(order.len());
        let mut list: Vec<_> = invalid.iter().map(|(field, text)| (field.to_owned(), text.to_owned())).collect();
        list.sort_by_key(|(field, _)| place(field));
        Self(list)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `title`, with a word in front where something is wrong: a screen reader says it first.
    pub fn titled(&self, title: &str) -> String {
        if self.is_empty() { title.to_owned() } else { format!("Not saved: {title}") }
    }

    fn message(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, text)| text.clone())
    }

    fn is_first(&self, name: &str) -> bool {
        self.0.first().is_some_and(|(field, _)| field == name)
    }
}

/// A control's name, words and error.
#[derive(Clone, Debug)]
pub struct Field {
    name: String,
    id: String,
    label: String,
    hint: Option<String>,
    error: Option<String>,
    focus: bool,
}

impl Field {
    /// The field `name`, labelled `label`; its id is its name.
    pub fn new(name: impl Into<String>, label: impl Into<String>) -> Self {
        let name = name.into();
        Self { id: name.clone(), name, label: label.into(), hint: None, error: None, focus: false }
    }

    /// With another id, where a page holds several fields of this name.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: id.into(), ..self }
    }

    /// With a line below the control that says what belongs into it.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// With the message that `problems` has for it; the first of all problems takes the focus.
    pub fn with_error(self, problems: &FormErrors) -> Self {
        Self { error: problems.message(&self.name), focus: problems.is_first(&self.name), ..self }
    }

    fn hint_id(&self) -> Option<String> {
        self.hint.as_ref().map(|_| format!("{}-hint", self.id))
    }

    fn error_id(&self) -> Option<String> {
        self.error.as_ref().map(|_| format!("{}-error", self.id))
    }

    /// The ids of hint and error, for `aria-describedby`.
    fn described_by(&self) -> Option<String> {
        let ids: Vec<String> = self.hint_id().into_iter().chain(self.error_id()).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn invalid(&self) -> Option<&'static str> {
        self.error.as_ref().map(|_| "true")
    }

    fn class(&self, class: &str) -> String {
        if self.error.is_some() { format!("{class} wrong") } else { class.to_owned() }
    }

    /// Hint and error, as they stand below the control.
    fn notes(&self) -> AnyView {
        let hint = self.hint.clone().map(|text| view! { <p class="hint" id=self.hint_id()>{text}</p> });
        let error = self.error.clone().map(|text| view! { <p class="error" id=self.error_id()>{text}</p> });
        view! { {error}{hint} }.into_any()
    }

    /// Label, control and notes, one below the other.
    fn wrap(&self, control: AnyView) -> AnyView {
        view! {
            <div class=self.class("field")>
                <label for=self.id.clone()>{self.label.clone()}</label>
                {control}
                {self.notes()}
            </div>
        }
        .into_any()
    }
}

/// One line of text, or what else an `<input>` of this `kind` takes.
#[component]
pub fn TextInput(
    field: Field,
    #[prop(into)] value: String,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] autofocus: bool,
    /// To copy from, not to write in.
    #[prop(optional)]
    readonly: bool,
    /// The keys that lead into it.
    #[prop(optional)]
    keys: Option<&'static str>,
    /// A class that gives the control another width: `short`.
    #[prop(default = "")]
    class: &'static str,
) -> impl IntoView {
    let control = view! {
        <input
            data-keys=keys
            type=kind
            id=field.id.clone()
            name=field.name.clone()
            value=value
            class=class
            dir="auto"
            autocomplete=autocomplete.unwrap_or("off")
            autofocus=field.focus || autofocus
            readonly=readonly
            aria-describedby=field.described_by()
            aria-invalid=field.invalid()
        />
    };
    field.wrap(control.into_any())
}

/// An e-mail address.
#[component]
pub fn Email(
    field: Field,
    #[prop(into)] value: String,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    view! { <TextInput field value kind="email" autocomplete autofocus/> }
}

/// A password; what was typed is never shown again.
#[component]
pub fn Password(field: Field, autocomplete: &'static str, #[prop(optional)] autofocus: bool) -> impl IntoView {
    view! { <TextInput field value="" kind="password" autocomplete autofocus/> }
}

/// Day and time without a zone; the zone stands beside it.
#[component]
pub fn DateTimeLocal(field: Field, #[prop(into)] value: String) -> impl IntoView {
    view! { <TextInput field value kind="datetime-local"/> }
}

/// Lines of text: the only `<textarea>` of the house.
///
/// Leptos 0.8.23 prints the children of a `<textarea>` unescaped, hence `inner_html` with escaped text.
#[component]
pub fn TextArea(
    field: Field,
    #[prop(into)] value: String,
    #[prop(default = 6)] rows: u16,
    /// To copy from, not to write in.
    #[prop(optional)]
    readonly: bool,
    /// What stands below it instead of the hint.
    #[prop(optional)]
    under: Option<AnyView>,
    /// The keys that lead into it.
    #[prop(optional)]
    keys: Option<&'static str>,
) -> impl IntoView {
    let control = view! {
        <textarea
            data-keys=keys
            id=field.id.clone()
            name=field.name.clone()
            rows=rows
            readonly=readonly
            dir="auto"
            autofocus=field.focus
            aria-describedby=field.described_by()
            aria-invalid=field.invalid()
            inner_html=textarea_html(&value)
        ></textarea>
        {under}
    };
    field.wrap(control.into_any())
}

/// `text` as the content of a `<textarea>`. A browser drops a newline right after the tag, so one
/// is put there for it to drop.
fn textarea_html(text: &str) -> String {
    format!("\n{}", text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

/// An option of a select or a segment: the value that is sent, the words that are read.
#[derive(Clone, Debug)]
pub struct Choice {
    pub value: String,
    pub words: String,
}

impl Choice {
    /// The choice of `value`, read as `words`.
    pub fn new(value: impl Into<String>, words: impl Into<String>) -> Self {
        Self { value: value.into(), words: words.into() }
    }
}

/// Every time zone by its name.
pub fn zone_choices() -> Vec<Choice> {
    chrono_tz::TZ_VARIANTS.iter().map(|zone| Choice::new(zone.name(), zone.name())).collect()
}

/// One of several, folded.
#[component]
pub fn Select(field: Field, choices: Vec<Choice>, #[prop(into)] value: String) -> impl IntoView {
    let control = bare_select(&field, choices, &value);
    field.wrap(control)
}

/// A row with the label at the left and the select at the right.
#[component]
pub fn SelectRow(field: Field, choices: Vec<Choice>, #[prop(into)] value: String) -> impl IntoView {
    let control = bare_select(&field, choices, &value);
    view! {
        <div class=field.class("row")>
            <label for=field.id.clone() dir="auto">{field.label.clone()}</label>
            {control}
            {field.notes()}
        </div>
    }
}

fn bare_select(field: &Field, choices: Vec<Choice>, value: &str) -> AnyView {
    let option = |choice: Choice| {
        let selected = choice.value == value;
        view! { <option value=choice.value selected=selected>{choice.words}</option> }
    };
    view! {
        <select
            id=field.id.clone()
            name=field.name.clone()
            autofocus=field.focus
            aria-describedby=field.described_by()
            aria-invalid=field.invalid()
        >
            {choices.into_iter().map(option).collect_view()}
        </select>
    }
    .into_any()
}

/// One of a few, side by side.
#[component]
pub fn Segments(field: Field, choices: Vec<Choice>, #[prop(into)] value: String) -> impl IntoView {
    let segments = choices.into_iter().enumerate().map(|(index, choice)| segment(&field, index, choice, &value));
    let content = view! { <div class="segments">{segments.collect_view()}</div> }.into_any();
    view! { <Group field content/> }
}

/// Controls that answer one question together.
#[component]
pub fn Group(
    field: Field,
    content: AnyView,
    /// Its id, where none of its controls has the field's own.
    #[prop(optional, into)]
    id: Option<String>,
) -> impl IntoView {
    view! {
        <fieldset class=field.class("field") id=id aria-describedby=field.described_by()>
            <legend>{field.label.clone()}</legend>
            {content}
            {field.notes()}
        </fieldset>
    }
}

/// The first segment bears the field's own id, for a link from the list of errors.
fn segment(field: &Field, index: usize, choice: Choice, value: &str) -> AnyView {
    let id = if index == 0 { field.id.clone() } else { format!("{}-{}", field.id, choice.value) };
    let checked = choice.value == value;
    view! {
        <label class="segment" for=id.clone()>
            <input
                type="radio"
                id=id.clone()
                name=field.name.clone()
                value=choice.value
                checked=checked
                autofocus=field.focus && index == 0
                aria-invalid=field.invalid()
            />
            <span>{choice.words}</span>
        </label>
    }
    .into_any()
}

/// Yes or no.
#[component]
pub fn CheckBox(
    field: Field,
    checked: bool,
    /// What is sent where it is ticked: tells several boxes of one name apart.
    #[prop(default = "1".to_owned())]
    value: String,
) -> impl IntoView {
    view! {
        <div class=field.class("field")>
            <label class="check" for=field.id.clone()>
                <input
                    type="checkbox"
                    id=field.id.clone()
                    name=field.name.clone()
                    value=value
                    checked=checked
                    aria-describedby=field.described_by()
                />
                <span dir="auto">{field.label.clone()}</span>
            </label>
            {field.notes()}
        </div>
    }
}

/// A field that nobody sees: the version a form was filled from, the page to go to.
#[component]
pub fn Hidden(name: &'static str, #[prop(into)] value: String) -> impl IntoView {
    view! { <input type="hidden" name=name value=value/> }
}

/// How a button looks: what it is for, not what colour it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonStyle {
    /// What the page is for.
    #[default]
    Primary,
    /// Something else that can be done.
    Quiet,
    /// What can't be taken back.
    Destructive,
}

impl ButtonStyle {
    /// The classes of a button of this weight.
    pub fn class(self) -> &'static str {
        match self {
            ButtonStyle::Primary => "button primary",
            ButtonStyle::Quiet => "button",
            ButtonStyle::Destructive => "button destructive",
        }
    }
}

/// The button that sends the form; its words say what happens.
#[component]
pub fn Submit(
    #[prop(into)] words: String,
    #[prop(optional)] weight: ButtonStyle,
    /// The keys that press it.
    #[prop(optional)]
    keys: Option<&'static str>,
    /// What it is done to, for those who hear the button without its row.
    #[prop(optional, into)]
    about: Option<String>,
) -> impl IntoView {
    let about = about.map(|about| view! { <span class="unseen" dir="auto">{format!(": {about}")}</span> });
    view! { <button type="submit" class=weight.class() data-keys=keys>{words}{about}</button> }
}

/// The button that shows the form again with its preview; `action` is where the form goes.
#[component]
pub fn PreviewTextButton(#[prop(into)] action: String) -> impl IntoView {
    view! {
        <button type="submit" class="button" name="preview" value="1" formaction=format!("{action}#preview")>
            "Preview"
        </button>
    }
}

/// The button that shows what visitors would read, and publishes nothing.
#[component]
pub fn PreviewPageButton(
    /// What is looked at, for those who hear the button without its row.
    #[prop(optional, into)]
    about: Option<String>,
) -> impl IntoView {
    let about = about.map(|about| view! { <span class="unseen" dir="auto">{format!(": {about}")}</span> });
    view! { <button type="submit" class=ButtonStyle::Quiet.class() name="preview_page" value="1">"Preview page"{about}</button> }
}

/// A form that is only a button.
#[component]
pub fn PostButton(
    #[prop(into)] action: String,
    #[prop(into)] words: String,
    #[prop(default = ButtonStyle::Quiet)] weight: ButtonStyle,
    /// What it is done to, for those who hear the button without its row.
    #[prop(optional, into)]
    about: Option<String>,
) -> impl IntoView {
    let about = about.map(|about| view! { <span class="unseen" dir="auto">{format!(": {about}")}</span> });
    view! {
        <form method="post" action=action>
            <button type="submit" class=weight.class()>{words}{about}</button>
        </form>
    }
}

/// Everything that is wrong, above the form, each line leading to its field.
#[component]
pub fn ErrorSummary(problems: FormErrors) -> impl IntoView {
    (!problems.is_empty()).then(|| {
        let heading = match problems.0.len() {
            1 => "Please fix 1 error".to_owned(),
            count => format!("Please fix {count} errors"),
        };
        let line = |(field, text): (String, String)| view! { <li><a href=format!("#{field}")>{text}</a></li> };
        view! {
            <div class="summary" role="alert">
                <p><strong>{heading}</strong></p>
                <ul>{problems.0.into_iter().map(line).collect_view()}</ul>
            </div>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::render_page;

    #[test]
    fn textarea_shows_text_literally() {
        let field = Field::new("body", "Message");
        let html = render_page(|| view! { <TextArea field value="x</textarea><script>alert(1)</script>&amp;"/> });
        assert!(
            html.contains(">\nx&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;</textarea>"),
            "{html}"
        );
        assert!(!html.contains("<script>"), "{html}");
    }

    #[test]
    fn a_textarea_keeps_a_leading_newline() {
        let field = Field::new("body", "Message");
        let html = render_page(|| view! { <TextArea field value="\nx"/> });
        assert!(html.contains(">\n\nx</textarea>"), "{html}");
    }

    #[test]
    fn invalid_field_shows_error_and_gets_focus() {
        let mut invalid = Invalid::field("title", "Enter a title.");
        invalid.add("body", "Say something.");
        let problems = FormErrors::new(&invalid, &["title", "body"]);
        let title = Field::new("title", "Title").hint("What customers notice.").with_error(&problems);
        let html = render_page(|| {
            view! {
                <div>
                    <ErrorSummary problems/>
                    <TextInput field=title value="\"><script>"/>
                </div>
            }
        });
        assert!(html.contains("aria-describedby=\"title-hint title-error\""), "{html}");
        assert!(html.contains("id=\"title-error\"") && html.contains("aria-invalid=\"true\""), "{html}");
        assert!(html.contains(" autofocus"), "{html}");
        assert!(html.contains("href=\"#title\"") && html.contains("2 errors"), "{html}");
        assert!(html.contains("value=\"&quot;&gt;&lt;script&gt;\"") && !html.contains("<script>"), "{html}");
    }

    #[test]
    fn no_other_file_writes_a_textarea() {
        fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else if std::fs::read_to_string(&path).unwrap().contains("<textarea") {
                    found.push(path.display().to_string());
                }
            }
        }
        let mut found = Vec::new();
        walk(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
        found.retain(|path| {
            !path.ends_with("ui/form.rs") && !path.ends_with("/tests.rs") && !path.ends_with("/fixtures.rs")
        });
        assert!(found.is_empty(), "{found:?}");
    }
}
