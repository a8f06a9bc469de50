//! What managers see and do: one file per resource.

mod account;
mod account_mail;
mod audit;
mod ceremony;
mod codes;
mod components;
mod corrections;
mod desk;
mod drafts;
mod factors;
pub mod failure;
mod forgotten;
mod groups;
mod identities;
mod incidents;
mod islands;
mod listing;
mod login;
mod login_factor;
mod login_oidc;
mod login_passkey;
mod maintenance_times;
mod maintenance_updates;
mod maintenances;
mod managers;
mod notice;
mod passkeys;
mod policy;
pub mod proof;
mod proof_elsewhere;
mod publication;
mod recovery_codes;
mod rehearsal;
mod reviews;
mod round_trip;
mod sent_before;
mod series;
mod sessions;
mod settings;
mod setup;
mod shell;
mod shortcuts;
mod templates;
mod tokens;
mod totp;
mod typed;
mod updates;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::Result;
use super::routes::Routes;
use crate::db;
use crate::domain::Invalid;
use crate::oidc::CALLBACK;

/// The admin's addresses.
pub fn routes() -> Routes {
    let routes = Routes::default()
        .open_get("/login", login::new)
        .open_post("/login", login::create)
        .open_get("/login/factor", login_factor::new)
        .open_post("/login/factor", login_factor::create)
        .open_post("/login/passkey", login_passkey::create)
        .open_post("/login/passkey/challenge", login_passkey::challenge)
        .open_post("/login/oidc", login_oidc::create)
        .open_get(CALLBACK, login_oidc::finish)
        .post("/logout", login::destroy)
        .open_get("/forgotten", forgotten::new)
        .open_post("/forgotten", forgotten::create)
        .open_get("/setup/{token}", setup::new)
        .open_post("/setup/{token}", setup::create)
        .get("/admin", desk::show)
        .get("/admin/shortcuts", shortcuts::index);
    let routes = incident_routes(routes);
    let routes = maintenance_routes(routes);
    let routes = prepared_routes(routes);
    let routes = component_routes(routes);
    let routes = manager_routes(routes);
    account_routes(routes)
        .get("/admin/audit", audit::index)
        .get("/admin/settings", settings::edit)
        .post("/admin/settings", settings::update)
        .post("/admin/policy", policy::update)
        .post("/admin/islands/{*call}", islands::call)
}

fn incident_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/incidents", incidents::index)
        .get("/admin/incidents/new", incidents::new)
        .post("/admin/incidents", incidents::create)
        .get("/admin/incidents/{id}", incidents::show)
        .get("/admin/incidents/{id}/edit", incidents::edit)
        .post("/admin/incidents/{id}", incidents::update)
        .get("/admin/incidents/{id}/deletion", incidents::doom)
        .post("/admin/incidents/{id}/deletion", incidents::destroy)
        .post("/admin/incidents/{id}/publication", publication::create)
        .get("/admin/incidents/{id}/review", reviews::edit)
        .post("/admin/incidents/{id}/review", reviews::update)
        .post("/admin/incidents/{id}/review/withdrawal", reviews::withdraw)
        .post("/admin/incidents/{id}/updates", updates::create)
        .get("/admin/incidents/{id}/updates/{update}/edit", updates::edit)
        .post("/admin/incidents/{id}/updates/{update}", updates::update)
        .get("/admin/incidents/{id}/updates/{update}/deletion", updates::doom)
        .post("/admin/incidents/{id}/updates/{update}/deletion", updates::destroy)
}

fn maintenance_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/maintenances", maintenances::index)
        .get("/admin/maintenances/new", maintenances::new)
        .post("/admin/maintenances", maintenances::create)
        .get("/admin/maintenances/{id}", maintenances::show)
        .get("/admin/maintenances/{id}/edit", maintenances::edit)
        .post("/admin/maintenances/{id}", maintenances::update)
        .post("/admin/maintenances/{id}/beginning", maintenances::begin)
        .post("/admin/maintenances/{id}/completion", maintenances::complete)
        .get("/admin/maintenances/{id}/schedule", maintenance_times::edit_schedule)
        .post("/admin/maintenances/{id}/schedule", maintenance_times::update_schedule)
        .get("/admin/maintenances/{id}/extension", maintenance_times::edit_extension)
        .post("/admin/maintenances/{id}/extension", maintenance_times::extend)
        .get("/admin/maintenances/{id}/cancellation", maintenance_times::doom)
        .post("/admin/maintenances/{id}/cancellation", maintenance_times::cancel)
        .post("/admin/maintenances/{id}/updates", maintenance_updates::create)
        .get("/admin/maintenances/{id}/updates/{update}/edit", maintenance_updates::edit)
        .post("/admin/maintenances/{id}/updates/{update}", maintenance_updates::update)
        .get("/admin/series/{id}/edit", series::edit)
        .post("/admin/series/{id}", series::update)
        .post("/admin/series/{id}/end", series::end)
}

fn prepared_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/drafts/{id}", drafts::show)
        .post("/admin/drafts/{id}/deletion", drafts::destroy)
        .get("/admin/templates", templates::index)
        .get("/admin/templates/new", templates::new)
        .post("/admin/templates", templates::create)
        .get("/admin/templates/{id}/edit", templates::edit)
        .post("/admin/templates/{id}", templates::update)
        .get("/admin/templates/{id}/deletion", templates::doom)
        .post("/admin/templates/{id}/deletion", templates::destroy)
}

fn component_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/components", components::index)
        .get("/admin/components/new", components::new)
        .post("/admin/components", components::create)
        .get("/admin/components/{id}/edit", components::edit)
        .post("/admin/components/{id}", components::update)
        .post("/admin/components/{id}/status", components::set_status)
        .get("/admin/components/{id}/corrections", corrections::index)
        .post("/admin/components/{id}/corrections", corrections::create)
        .post("/admin/components/{id}/corrections/{correction}/deletion", corrections::destroy)
        .get("/admin/components/{id}/deletion", components::doom)
        .post("/admin/components/{id}/deletion", components::destroy)
        .get("/admin/groups/new", groups::new)
        .post("/admin/groups", groups::create)
        .get("/admin/groups/{id}/edit", groups::edit)
        .post("/admin/groups/{id}", groups::update)
        .get("/admin/groups/{id}/deletion", groups::doom)
        .post("/admin/groups/{id}/deletion", groups::destroy)
}

fn manager_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/managers", managers::index)
        .post("/admin/managers", managers::create)
        .get("/admin/managers/{id}", managers::show)
        .post("/admin/managers/{id}/role", managers::set_role)
        .post("/admin/managers/{id}/disablement", managers::disable)
        .post("/admin/managers/{id}/enablement", managers::enable)
        .post("/admin/managers/{id}/reset", managers::reset)
        .post("/admin/managers/{id}/factors/removal", managers::remove_factors)
        .post("/admin/managers/{id}/identity/removal", identities::remove)
        .post("/admin/managers/{id}/sessions/revocation", managers::revoke_sessions)
        .get("/admin/sessions", sessions::index)
        .post("/admin/sessions/{session}/revocation", sessions::revoke)
}

fn account_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/proof", proof_elsewhere::show)
        .post("/admin/proof", proof::create)
        .post("/admin/proof/oidc", proof_elsewhere::create)
        .get("/admin/account", account::show)
        .post("/admin/account/email", account::set_email)
        .post("/admin/account/email/cancellation", account::cancel_email)
        .post("/admin/account/password", account::set_password)
        .post("/admin/account/identity", identities::create)
        .post("/admin/account/identity/removal", identities::destroy)
        .get("/admin/account/factors", factors::index)
        .get("/admin/account/totp", totp::show)
        .post("/admin/account/totp", totp::create)
        .post("/admin/account/totp/confirmation", totp::confirm)
        .post("/admin/account/totp/removal", totp::destroy)
        .get("/admin/account/passkeys/new", passkeys::new)
        .post("/admin/account/passkeys/challenge", passkeys::challenge)
        .post("/admin/account/passkeys", passkeys::create)
        .post("/admin/account/passkeys/{id}/removal", passkeys::destroy)
        .post("/admin/account/recovery-codes", recovery_codes::create)
        .post("/admin/account/sessions/revocation", account::revoke_others)
        .post("/admin/account/sessions/{session}/revocation", account::revoke)
        .get("/admin/tokens", tokens::index)
        .post("/admin/tokens", tokens::create)
        .post("/admin/tokens/{id}/revocation", tokens::revoke)
}

/// What was made; where there are as many as there may be, that is said beside `field`.
fn room_for<T>(made: db::Result<T>, field: &str) -> Result<std::result::Result<T, Invalid>> {
    match made {
        Err(db::Error::Full(sentence)) => Ok(Err(Invalid::field(field, sentence))),
        made => Ok(Ok(made?)),
    }
}

/// A page of the admin.
fn page(html: String) -> Response {
    Html(html).into_response()
}

/// The same page again, with what was wrong beside its field.
fn invalid(html: String) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Html(html)).into_response()
}

/// The same page again, with what somebody else did in the meantime.
fn conflict(html: String) -> Response {
    (StatusCode::CONFLICT, Html(html)).into_response()
}
