use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::credentials::secret_token;
use crate::db::{Tx, api_tokens};
use crate::domain::forms::{ApiTokenForm, Fields};
use crate::domain::history::Cursor;
use crate::domain::{Invalid, ManagerId, Role, TokenId};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{TokenCreated, TokenList};
use crate::web::access::manager::{CanRead, Fresh, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::page::pagination;
use crate::web::{Error, Result};

/// `GET /admin/tokens`: the manager's own; for owners all tokens, newest first. Creating and revoking ask for a
/// confirmation; the list holds no secret.
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let editor = TokenEditor::new(&manager, Cursor::parse(&query.text("before")));
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    Ok(page_response(editor.html(&mut tx, shell, ApiTokenForm::default(), Problem::none()).await?))
}

/// `POST /admin/tokens`: the token is shown once.
pub async fn create(
    manager: Manager<Fresh<CanRead>>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let (form, editor) = (ApiTokenForm::read(&fields), TokenEditor::new(&manager, None));
    let (mut edit, maker) = Edit::begin_as(state, manager, fields).await?;
    let own = api_tokens::list_for_manager(&mut edit.tx, &maker.id).await?;
    let new = form.parse(maker.role).and_then(|new| match own.iter().any(|token| token.name == new.name) {
        true => Err(Invalid::field("name", "You already have a token with this name.")),
        false => Ok(new),
    });
    let new = edit.check(&editor, form.clone(), new).await?;
    let secret = secret_token::fresh_api_token();
    let (hash, ending) = (secret_token::hash_token(&secret), secret_token::token_ending(&secret));
    let created = actions::tokens::create(&mut edit.tx, &maker, new, (&hash, ending), edit.now).await;
    let (token, entry) = edit.check_limit(&editor, form, created, "name").await?;
    let Edit { state, manager, mut tx, now, .. } = edit;
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(page_response(TokenCreated { shell, token, secret }.html()))
}

/// `POST /admin/tokens/{id}/revocation`: of the manager's own; for owners of any token.
pub async fn revoke(
    manager: Manager<Fresh<CanRead>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = TokenId::parse(&id).ok_or(Error::NotFound)?;
    let (mut edit, own) = Edit::begin_as(state, manager, Fields::default()).await?;
    let token = api_tokens::find(&mut edit.tx, &id).await?;
    if token.manager_id != own.id && own.role < Role::Owner {
        return Err(Error::NotFound);
    }
    let entry = actions::tokens::revoke(&mut edit.tx, &token).await?;
    edit.save_private(entry, "/admin/tokens", "token-revoked").await
}

/// Lists the tokens after `before`, above the form for a new one. `own` is `None` for owners, who see all tokens.
struct TokenEditor {
    own: Option<ManagerId>,
    before: Option<Cursor>,
}

impl TokenEditor {
    fn new<P>(manager: &Manager<P>, before: Option<Cursor>) -> Self {
        Self { own: (!manager.is_at_least(Role::Owner)).then(|| manager.id.clone()), before }
    }
}

impl Editor for TokenEditor {
    type Form = ApiTokenForm;
    type Theirs = ();

    async fn html(&self, tx: &mut Tx, shell: AdminContext, form: ApiTokenForm, problem: Problem<()>) -> Result<String> {
        let (tokens, older) = match &self.own {
            Some(own) => (api_tokens::list_for_manager(tx, own).await?, None),
            None => {
                let mut all = api_tokens::list(tx, self.before.as_ref(), pagination::READ_LIMIT).await?;
                let older = pagination::take_page(&mut all, api_tokens::token_cursor);
                (all, older)
            }
        };
        Ok(TokenList { shell, tokens, older, form, invalid: problem.invalid }.html())
    }
}
