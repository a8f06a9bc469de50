use axum::extract::State as FromState;
use axum::response::Response;

use super::{LIST, load_links};
use crate::actions;
use crate::actions::subscribers::SubscriberKeys;
use crate::db::{self, Tx};
use crate::domain::Invalid;
use crate::domain::forms::OperatorChannelForm;
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::OperatorChannelNew;
use crate::web::Result;
use crate::web::access::manager::{CanAdminister, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, show as show_editor};
use crate::web::form::Form;

/// `GET /admin/subscribers/channels/new`
pub async fn new(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    show_editor(&state, &mut tx, &manager, &ChannelEditor, OperatorChannelForm::default()).await
}

/// `POST /admin/subscribers/channels`: a channel of the operator, active at once.
pub async fn create(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let links = load_links(&state)?;
    let secret_key = state.secret_key.clone();
    let keys = SubscriberKeys { secret_key: &secret_key, links: &links };
    let mut edit = Edit::begin(state, manager, fields).await?;
    let form = OperatorChannelForm::read(&edit.fields);
    let endpoint = edit.check(&ChannelEditor, form.clone(), form.parse()).await?;
    let added = match actions::subscribers::add_operator_channel(&mut edit.tx, keys, &endpoint, edit.now).await {
        Err(db::Error::Conflict(_)) => {
            let wrong = Invalid::field("password", "This channel exists already.");
            return Err(edit.reject(&ChannelEditor, form, wrong).await);
        }
        added => added,
    };
    let (subscriber, entry) = edit.check_limit(&ChannelEditor, form, added, "password").await?;
    edit.save_private(entry, &format!("{LIST}/{}", subscriber.id), "subscriber-added").await
}

struct ChannelEditor;

impl Editor for ChannelEditor {
    type Form = OperatorChannelForm;
    type Theirs = ();

    async fn html(
        &self,
        _: &mut Tx,
        shell: AdminContext,
        form: OperatorChannelForm,
        problem: Problem<()>,
    ) -> Result<String> {
        Ok(OperatorChannelNew { shell, form, invalid: problem.invalid }.html())
    }
}
