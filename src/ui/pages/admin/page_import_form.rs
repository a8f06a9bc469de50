//! The form that fetches a page to import; also part of the guided setup.

use leptos::prelude::*;

use crate::domain::ImportSource;
use crate::domain::forms::PageImportForm;
use crate::ui::form::{ButtonStyle, Choice, Field, FormErrors, Select, Submit, TextInput};

pub(super) fn import_form(form: &PageImportForm, problems: &FormErrors, weight: ButtonStyle) -> AnyView {
    let source = Field::new("source", "Where the page is now").with_error(problems);
    let choices = ImportSource::ALL.map(|source| Choice::new(source.key(), source.words())).to_vec();
    let address = Field::new("address", "Address of the page")
        .hint("Like https://status.example.org; for Upptime, its repository at GitHub.")
        .with_error(problems);
    view! {
        <form method="post" action="/admin/import" novalidate>
            <Select field=source choices value=form.source.clone()/>
            <TextInput field=address value=form.address.clone() kind="url"/>
            <p class="actions"><Submit words="Fetch and preview" weight/></p>
        </form>
    }
    .into_any()
}
