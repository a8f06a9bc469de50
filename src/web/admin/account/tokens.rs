use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::credentials::secret_token;
use crate::db::{self, Tx, api_tokens};
use crate::domain::forms::{ApiTokenForm, Fields};
use crate::domain::history::Cursor;
use crate::domain::{Invalid, Role, TokenId};
use crate::state::State;
use crate::ui::pages::admin::{TokenList, TokenMade};
use crate::web::access::manager::{CanRead, Fresh, Manager};
use crate::web::form::{Form, Search};
use crate::web::page::flash::done;
use crate::web::page::layout::shell;
use crate::web::page::pagination;
use crate::web::page::{invalid, page, room_for};
use crate::web::{Error, Result};

/// `GET /admin/tokens`: one's own; an owner sees everybody's, the newest first.
pub async fn index(
    manager: Manager<Fresh<CanRead>>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    Ok(page(list(&state, &mut tx, &manager, &query, ApiTokenForm::default(), Invalid::new()).await?))
}

/// `POST /admin/tokens`: the token is shown once.
pub async fn create(
    manager: Manager<Fresh<CanRead>>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let form = ApiTokenForm::read(&fields);
    let (now, secret) = (state.clock.now(), secret_token::fresh_api_token());
    let (mut tx, maker) = manager.begin_as(&state).await?;
    let own = api_tokens::list_of(&mut tx, &manager.id).await?;
    let new = form.parse(maker.role).and_then(|new| match own.iter().any(|token| token.name == new.name) {
        true => Err(Invalid::field("name", "You have a token of this name already.")),
        false => Ok(new),
    });
    let new = match new {
        Ok(new) => new,
        Err(wrong) => return Ok(invalid(list(&state, &mut tx, &manager, &Fields::default(), form, wrong).await?)),
    };
    let kept = (secret_token::hash(&secret), secret_token::ending(&secret));
    let made = actions::tokens::create(&mut tx, &maker, new, (&kept.0, kept.1), now).await;
    let (made, entry) = match room_for(made, "name")? {
        Ok(made) => made,
        Err(full) => return Ok(invalid(list(&state, &mut tx, &manager, &Fields::default(), form, full).await?)),
    };
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(page(TokenMade { shell, token: made, secret }.html()))
}

/// `POST /admin/tokens/{id}/revocation`: one's own, or anybody's by an owner.
pub async fn revoke(
    manager: Manager<Fresh<CanRead>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = TokenId::parse(&id).ok_or(Error::NotFound)?;
    let (mut tx, own) = manager.begin_as(&state).await?;
    let token = api_tokens::find(&mut tx, &id).await?;
    if token.manager_id != own.id && own.role < Role::Owner {
        return Err(Error::NotFound);
    }
    let entry = actions::tokens::revoke(&mut tx, &token).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    Ok(done("/admin/tokens", "token-revoked"))
}

async fn list(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<Fresh<CanRead>>,
    query: &Fields,
    form: ApiTokenForm,
    invalid: Invalid,
) -> db::Result<String> {
    let shell = shell(state, tx, manager, query).await?;
    let (tokens, older) = if manager.is_at_least(Role::Owner) {
        let cursor = Cursor::parse(&query.text("before"));
        let mut all = api_tokens::list(tx, cursor.as_ref(), pagination::READ).await?;
        let older = pagination::cut(&mut all, api_tokens::cursor);
        (all, older)
    } else {
        (api_tokens::list_of(tx, &manager.id).await?, None)
    };
    Ok(TokenList { shell, tokens, older, form, invalid }.html())
}
