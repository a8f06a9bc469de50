//! Form controls. Each has a label; hint and error are linked to the control for screen readers.

use leptos::prelude::*;

use super::admin_icon::AdminIcon;
use crate::domain::Invalid;
use crate::domain::forms::PastUpdateForm;

/// Validation errors, in the order of the fields on the page.
#[derive(Clone, Debug, Default)]
pub struct FormErrors(Vec<(String, String)>);

impl FormErrors {
    /// Sorts the messages by the position of their field in `order`; other fields come last.
    pub fn new(invalid: &Invalid, order: &[&str]) -> Self {
        let place = |field: &str| order.iter().position(|name| *name == field).unwrap_or(order.len());
        let mut list: Vec<_> = invalid.iter().map(|(field, text)| (field.to_owned(), text.to_owned())).collect();
        list.sort_by_key(|(field, _)| place(field));
        Self(list)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The page title, prefixed if there are errors, since screen readers announce the title first.
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
    /// The id defaults to the name.
    pub fn new(name: impl Into<String>, label: impl Into<String>) -> Self {
        let name = name.into();
        Self { id: name.clone(), name, label: label.into(), hint: None, error: None, focus: false }
    }

    /// For pages with several fields of the same name.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: id.into(), ..self }
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Adds this field's message from `problems`. The first invalid field gets the focus.
    pub fn with_error(self, problems: &FormErrors) -> Self {
        Self { error: problems.message(&self.name), focus: problems.is_first(&self.name), ..self }
    }

    /// Gives the control the focus when the page opens.
    pub fn with_focus(self, focus: bool) -> Self {
        Self { focus: self.focus || focus, ..self }
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

    fn notes(&self) -> AnyView {
        let hint = self.hint.clone().map(|text| view! { <p class="hint" id=self.hint_id()>{text}</p> });
        let error = self.error.clone().map(|text| view! { <p class="error" id=self.error_id()>{text}</p> });
        view! { {error}{hint} }.into_any()
    }

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

/// An `<input>` of this `kind`.
#[component]
pub fn TextInput(
    field: Field,
    #[prop(into)] value: String,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] autofocus: bool,
    /// For text to copy.
    #[prop(optional)]
    readonly: bool,
    /// The keyboard shortcut that focuses it.
    #[prop(optional)]
    keys: Option<&'static str>,
    /// A class for the width of the control: `short`.
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

#[component]
pub fn Email(
    field: Field,
    #[prop(into)] value: String,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    view! { <TextInput field value kind="email" autocomplete autofocus/> }
}

/// A file to upload; browsers never show a submitted one again.
#[component]
pub fn FileInput(field: Field, accept: &'static str) -> impl IntoView {
    let control = view! {
        <input
            type="file"
            id=field.id.clone()
            name=field.name.clone()
            accept=accept
            autofocus=field.focus
            aria-describedby=field.described_by()
            aria-invalid=field.invalid()
        />
    };
    field.wrap(control.into_any())
}

/// A password; the submitted value is never rendered.
#[component]
pub fn Password(field: Field, autocomplete: &'static str, #[prop(optional)] autofocus: bool) -> impl IntoView {
    view! { <TextInput field value="" kind="password" autocomplete autofocus/> }
}

/// Date and time without a zone; the zone has its own field.
#[component]
pub fn DateTimeLocal(field: Field, #[prop(into)] value: String) -> impl IntoView {
    view! { <TextInput field value kind="datetime-local"/> }
}

/// A `<textarea>`. Always use this component: Leptos 0.8.23 renders the children of a `<textarea>` unescaped, hence
/// `inner_html` with escaped text.
#[component]
pub fn TextArea(
    field: Field,
    #[prop(into)] value: String,
    #[prop(default = 6)] rows: u16,
    /// For text to copy.
    #[prop(optional)]
    readonly: bool,
    /// The foot of the box around the control.
    #[prop(optional)]
    under: Option<AnyView>,
    /// The keyboard shortcut that focuses it.
    #[prop(optional)]
    keys: Option<&'static str>,
) -> impl IntoView {
    let area = view! {
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
    };
    let control = match under {
        Some(under) => {
            view! { <div class="message-box">{area}<div class="message-foot">{under}</div></div> }.into_any()
        }
        None => area.into_any(),
    };
    field.wrap(control)
}

/// Escaped content of a `<textarea>`. Starts with a newline because browsers drop the first one.
fn textarea_html(text: &str) -> String {
    format!("\n{}", text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

#[derive(Clone, Debug)]
pub struct Choice {
    pub value: String,
    pub words: String,
    /// Before the words of a segment.
    pub icon: Option<AdminIcon>,
}

impl Choice {
    pub fn new(value: impl Into<String>, words: impl Into<String>) -> Self {
        Self { value: value.into(), words: words.into(), icon: None }
    }

    pub fn icon(self, icon: AdminIcon) -> Self {
        Self { icon: Some(icon), ..self }
    }
}

/// The id of [`zone_list`].
const ZONE_LIST: &str = "zones";

/// The names that [`ZoneInput`] suggests: once per page.
pub fn zone_list() -> AnyView {
    let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| view! { <option value=zone.name()></option> });
    view! { <datalist id=ZONE_LIST>{zones.collect_view()}</datalist> }.into_any()
}

/// A time zone, with the names of [`zone_list`] as suggestions.
#[component]
pub fn ZoneInput(field: Field, #[prop(into)] value: String) -> impl IntoView {
    let control = view! {
        <input
            type="text"
            list=ZONE_LIST
            id=field.id.clone()
            name=field.name.clone()
            value=value
            autocomplete="off"
            spellcheck="false"
            data-zone="1"
            autofocus=field.focus
            aria-describedby=field.described_by()
            aria-invalid=field.invalid()
        />
    };
    field.wrap(control.into_any())
}

#[component]
pub fn Select(field: Field, choices: Vec<Choice>, #[prop(into)] value: String) -> impl IntoView {
    let control = bare_select(&field, choices, &value);
    field.wrap(control)
}

/// A select whose choices have headings.
#[component]
pub fn GroupedSelect(
    field: Field,
    groups: Vec<(&'static str, Vec<Choice>)>,
    #[prop(into)] value: String,
) -> impl IntoView {
    let group = |(label, choices): (&'static str, Vec<Choice>)| {
        view! { <optgroup label=label>{select_options(choices, &value)}</optgroup> }
    };
    let options = groups.into_iter().map(group).collect_view().into_any();
    let control = select_control(&field, options);
    field.wrap(control)
}

/// A row with the label on the left and the select on the right, followed by `end`.
#[component]
pub fn SelectRow(
    field: Field,
    choices: Vec<Choice>,
    #[prop(into)] value: String,
    #[prop(optional_no_strip)] end: Option<AnyView>,
) -> impl IntoView {
    let control = bare_select(&field, choices, &value);
    let class = if end.is_some() { "row removable" } else { "row" };
    view! {
        <div class=field.class(class)>
            <label for=field.id.clone() dir="auto">{field.label.clone()}</label>
            {control}
            {end}
            {field.notes()}
        </div>
    }
}

fn bare_select(field: &Field, choices: Vec<Choice>, value: &str) -> AnyView {
    select_control(field, select_options(choices, value))
}

fn select_options(choices: Vec<Choice>, value: &str) -> AnyView {
    let option = |choice: Choice| {
        let selected = choice.value == value;
        view! { <option value=choice.value selected=selected>{choice.words}</option> }
    };
    choices.into_iter().map(option).collect_view().into_any()
}

fn select_control(field: &Field, options: AnyView) -> AnyView {
    view! {
        <select
            id=field.id.clone()
            name=field.name.clone()
            autofocus=field.focus
            aria-describedby=field.described_by()
            aria-invalid=field.invalid()
        >
            {options}
        </select>
    }
    .into_any()
}

/// Radio buttons shown side by side.
#[component]
pub fn Segments(field: Field, choices: Vec<Choice>, #[prop(into)] value: String) -> impl IntoView {
    let content = view! { <div class="segments">{radio_labels(&field, choices, &value, "segment")}</div> }.into_any();
    view! { <Group field content/> }
}

/// Radio buttons as chips. CSS hides `reveal` unless the choice `other` is checked.
#[component]
pub fn Chips(field: Field, choices: Vec<Choice>, #[prop(into)] value: String, reveal: AnyView) -> impl IntoView {
    let content = view! {
        <div class="chips">{radio_labels(&field, choices, &value, "chip")}</div>
        <div class="reveal">{reveal}</div>
    }
    .into_any();
    view! { <Group field content/> }
}

fn radio_labels(field: &Field, choices: Vec<Choice>, value: &str, class: &'static str) -> AnyView {
    let target = choices.iter().position(|choice| choice.value == value).unwrap_or(0);
    let labels = choices.into_iter().enumerate();
    labels.map(|(index, choice)| radio_label(field, index == target, choice, (value, class))).collect_view().into_any()
}

/// A `<fieldset>` of related controls.
#[component]
pub fn Group(
    field: Field,
    content: AnyView,
    /// Needed if none of the controls has the field's id.
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

/// The target has the field's id, so links and errors focus the checked segment: on any other, the space key would
/// change the choice.
fn radio_label(field: &Field, is_target: bool, choice: Choice, (value, class): (&str, &'static str)) -> AnyView {
    let id = if is_target { field.id.clone() } else { format!("{}-{}", field.id, choice.value) };
    let checked = choice.value == value;
    view! {
        <label class=class for=id.clone()>
            <input
                type="radio"
                id=id.clone()
                name=field.name.clone()
                value=choice.value
                checked=checked
                autofocus=field.focus && is_target
                aria-invalid=field.invalid()
            />
            {choice.icon.map(AdminIcon::view)}
            <span>{choice.words}</span>
        </label>
    }
    .into_any()
}

#[component]
pub fn CheckBox(
    field: Field,
    checked: bool,
    /// The submitted value; distinguishes check boxes of the same name.
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

#[component]
pub fn Hidden(name: &'static str, #[prop(into)] value: String) -> impl IntoView {
    view! { <input type="hidden" name=name value=value/> }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonStyle {
    /// The main action of the page.
    #[default]
    Primary,
    /// Any other action.
    Quiet,
    /// An action that can't be undone.
    Destructive,
}

impl ButtonStyle {
    pub fn class(self) -> &'static str {
        match self {
            ButtonStyle::Primary => "button primary",
            ButtonStyle::Quiet => "button",
            ButtonStyle::Destructive => "button destructive",
        }
    }
}

#[component]
pub fn Submit(
    #[prop(into)] words: String,
    #[prop(optional)] weight: ButtonStyle,
    /// The keyboard shortcut that presses it.
    #[prop(optional)]
    keys: Option<&'static str>,
    /// The object of the action, for screen readers that announce the button alone.
    #[prop(optional, into)]
    about: Option<String>,
) -> impl IntoView {
    let about = about.map(|about| view! { <span class="unseen" dir="auto">{format!(": {about}")}</span> });
    view! { <button type="submit" class=weight.class() data-keys=keys>{words}{about}</button> }
}

/// Submits the form to get it back with a text preview; `action` is the form's URL.
#[component]
pub fn PreviewTextButton(#[prop(into)] action: String) -> impl IntoView {
    view! {
        <button
            type="submit"
            class="button text-preview"
            name="preview"
            value="1"
            formaction=format!("{action}#preview")
        >
            "Preview"
        </button>
    }
}

/// Submits the form for a preview of the public page, without publishing.
#[component]
pub fn PreviewPageButton(
    /// The object of the preview, for screen readers that announce the button alone.
    #[prop(optional, into)]
    about: Option<String>,
) -> impl IntoView {
    let about = about.map(|about| view! { <span class="unseen" dir="auto">{format!(": {about}")}</span> });
    view! { <button type="submit" class=ButtonStyle::Quiet.class() name="preview_page" value="1">"Preview page"{about}</button> }
}

/// A form with a single button.
#[component]
pub fn PostButton(
    #[prop(into)] action: String,
    #[prop(into)] words: String,
    #[prop(default = ButtonStyle::Quiet)] weight: ButtonStyle,
    /// The object of the action, for screen readers that announce the button alone.
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

/// All errors, each linking to its field.
#[component]
pub fn ErrorSummary(problems: FormErrors) -> impl IntoView {
    (!problems.is_empty()).then(|| {
        let heading = match problems.0.len() {
            1 => "Please fix 1 error".to_owned(),
            count => format!("Please fix {count} errors"),
        };
        let line = |(field, text): (String, String)| {
            let row = PastUpdateForm::number_of_field(&field).map(|number| format!("Update {number}: "));
            view! { <li><a href=format!("#{field}")>{row}{text}</a></li> }
        };
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
    fn checked_segment_is_the_link_target() {
        let choices = || vec![Choice::new("investigating", "Investigating"), Choice::new("resolved", "Resolved")];
        let html = |value: &'static str| {
            let field = Field::new("phase", "Status").with_focus(true);
            render_page(move || view! { <Segments field choices=choices() value/> })
        };
        for (value, target, other) in [
            ("resolved", "value=\"resolved\"", "id=\"phase-investigating\""),
            ("", "value=\"investigating\"", "id=\"phase-resolved\""),
        ] {
            let html = html(value);
            let inputs: Vec<&str> = html.split("<input").filter(|input| input.contains("id=\"phase\"")).collect();
            assert_eq!(inputs.len(), 1, "{html}");
            assert!(inputs[0].contains(target) && inputs[0].contains(" autofocus"), "{html}");
            assert!(html.contains(other) && html.matches(" autofocus").count() == 1, "{html}");
        }
    }

    #[test]
    fn no_other_file_writes_a_textarea() {
        fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else if path.extension().is_some_and(|extension| extension == "rs")
                    && std::fs::read_to_string(&path).unwrap().contains("<textarea")
                {
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
