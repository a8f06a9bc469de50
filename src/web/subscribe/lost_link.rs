//! `/subscribe/links`: mails the links of the subscriptions of an address again.

use axum::Extension;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use axum::response::Response;

use super::request::{INVALID, require_mail};
use super::{PageContext, count_request, describe_failure, form_response};
use crate::actions;
use crate::domain::Invalid;
use crate::domain::subscriber::parse_email;
use crate::state::State;
use crate::ui::pages::public::subscribe::FormNotice;
use crate::ui::pages::public::subscribe_links::{
    LostLinkPage, LostLinkReason, MailSentPage, render_lost_link_page, render_mail_sent_page,
};
use crate::web::Result;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::form::Form;

const PATH: &str = "/subscribe/links";

/// `GET /subscribe/links`
pub async fn new(FromState(state): FromState<State>) -> Result<Response> {
    let context = PageContext::load(&state, PATH)?;
    Ok(render(context, StatusCode::OK, String::new(), Invalid::new(), None))
}

/// `POST /subscribe/links`: the same answer for every address.
pub async fn create(
    FromState(state): FromState<State>,
    Extension(address): Extension<ClientAddress>,
    Form(fields): Form,
) -> Result<Response> {
    let context = PageContext::load(&state, PATH)?;
    let typed = fields.text("email");
    let Some(email) = parse_email(&typed) else {
        let invalid = Invalid::field("email", "Enter a valid e-mail address, like name@example.org.");
        return Ok(render(context, INVALID, typed, invalid, None));
    };
    if let Err(error) = mail_links(&state, address, &email).await {
        let (status, words) = describe_failure(error)?;
        return Ok(render(context, status, typed, Invalid::new(), Some(words)));
    }
    let page = MailSentPage { shell: context.shell, email: typed.trim().to_owned(), is_for_settings: true };
    Ok(form_response(&context.snapshot, StatusCode::OK, render_mail_sent_page(page)))
}

async fn mail_links(state: &State, address: ClientAddress, email: &str) -> Result<()> {
    require_mail(state)?;
    count_request(state.subscription_requests(), state, address)?;
    let mut tx = state.db.write().await?;
    actions::subscribers::mail_links(&mut tx, email, state.clock.now()).await?;
    Ok(tx.commit_unaudited().await?)
}

fn render(context: PageContext, status: StatusCode, email: String, invalid: Invalid, notice: FormNotice) -> Response {
    let page = LostLinkPage { shell: context.shell, email, invalid, notice, reason: LostLinkReason::Asked };
    form_response(&context.snapshot, status, render_lost_link_page(page))
}
