//! Pages and actions of managers, one file per resource.

mod account;
mod announcements;
mod audit;
mod brand;
mod components;
mod composer;
mod dashboard;
mod edit;
mod incidents;
mod islands;
mod login_policy;
mod maintenances;
mod managers;
mod notify;
mod page_import;
mod preview;
pub mod router;
mod settings;
mod setup;
mod subscribers;
mod templates;

use super::access::routes::Routes;
use account::{factors, passkeys, profile, recovery_codes, sessions, shortcuts, tokens, totp};
use components::{component, corrections, groups};
use incidents::{drafts, incident, postmortem, publication, updates};
use maintenances::{
    deletion as maintenance_deletion, maintenance, recurring, schedule, steps, updates as maintenance_updates,
};

use subscribers::{channels, erasure, import, notices, selection, subscriber, test_message};

use crate::oidc::CALLBACK;
use crate::web::sign_in::{
    forgot_password, login, login_oidc, login_passkey, login_second_factor, oidc_connection, one_time_links,
    pending_form, reauth, reauth_oidc,
};

/// The admin's route table.
pub fn routes() -> Routes {
    let routes = Routes::default()
        .public_get("/login", login::new)
        .public_post("/login", login::create)
        .public_get("/login/factor", login_second_factor::new)
        .public_post("/login/factor", login_second_factor::create)
        .public_post("/login/passkey", login_passkey::create)
        .public_post("/login/passkey/challenge", login_passkey::challenge)
        .public_post("/login/oidc", login_oidc::create)
        .public_get(CALLBACK, login_oidc::finish)
        .post("/logout", login::destroy)
        .public_get("/forgotten", forgot_password::new)
        .public_post("/forgotten", forgot_password::create)
        .public_get("/setup/{token}", one_time_links::new)
        .public_post("/setup/{token}", one_time_links::create)
        .get("/admin", dashboard::show)
        .get("/admin/pending-forms/{id}", pending_form::show)
        .get("/admin/shortcuts", shortcuts::index);
    let routes = incident_routes(routes);
    let routes = maintenance_routes(routes);
    let routes = template_and_draft_routes(routes);
    let routes = component_routes(routes);
    let routes = subscriber_routes(routes);
    let routes = manager_routes(routes);
    let routes = account_routes(routes).get("/admin/audit", audit::index);
    page_routes(routes)
        .post("/admin/policy", login_policy::update)
        .post("/admin/islands/{*call}", islands::call_server_function)
}

/// Settings, brand, announcements, the first steps of the page and its import.
fn page_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/settings", settings::edit)
        .post("/admin/settings", settings::update)
        .post("/admin/settings/test-mail", settings::send_test_mail)
        .get("/admin/setup/page", setup::edit_page)
        .post("/admin/setup/page", setup::update_page)
        .get("/admin/setup/brand", brand::edit_setup)
        .post("/admin/setup/brand", brand::update_setup)
        .get("/admin/setup/components", setup::new_components)
        .post("/admin/setup/components", setup::create_components)
        .get("/admin/setup/managers", setup::invite)
        .post("/admin/setup/finish", setup::finish)
        .post("/admin/setup/checklist/dismissal", setup::dismiss_checklist)
        .get("/admin/announcements", announcements::index)
        .get("/admin/announcements/new", announcements::new)
        .post("/admin/announcements", announcements::create)
        .get("/admin/announcements/{id}/edit", announcements::edit)
        .post("/admin/announcements/{id}", announcements::update)
        .post("/admin/announcements/{id}/end", announcements::end)
        .get("/admin/announcements/{id}/deletion", announcements::confirm_delete)
        .post("/admin/announcements/{id}/deletion", announcements::destroy)
        .get("/admin/brand", brand::edit)
        .post("/admin/brand", brand::update)
        .get("/admin/brand/preview", brand::show_preview)
        .post("/admin/brand/preview", brand::preview)
        .get("/admin/import", page_import::new)
        .post("/admin/import", page_import::create)
        .get("/admin/import/{id}", page_import::show)
        .post("/admin/import/{id}/confirmation", page_import::confirm)
        .post("/admin/import/{id}/discarding", page_import::discard)
}

fn incident_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/incidents", incident::index)
        .get("/admin/incidents/new", incident::new)
        .post("/admin/incidents", incident::create)
        .get("/admin/incidents/{id}", incident::show)
        .get("/admin/incidents/{id}/edit", incident::edit)
        .post("/admin/incidents/{id}", incident::update)
        .get("/admin/incidents/{id}/deletion", incident::confirm_delete)
        .post("/admin/incidents/{id}/deletion", incident::destroy)
        .post("/admin/incidents/{id}/publication", publication::create)
        .get("/admin/incidents/{id}/postmortem", postmortem::edit)
        .post("/admin/incidents/{id}/postmortem", postmortem::update)
        .post("/admin/incidents/{id}/postmortem/withdrawal", postmortem::withdraw)
        .post("/admin/incidents/{id}/updates", updates::create)
        .get("/admin/incidents/{id}/updates/{update}/edit", updates::edit)
        .post("/admin/incidents/{id}/updates/{update}", updates::update)
        .get("/admin/incidents/{id}/updates/{update}/deletion", updates::confirm_delete)
        .post("/admin/incidents/{id}/updates/{update}/deletion", updates::destroy)
}

fn maintenance_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/maintenances", maintenance::index)
        .get("/admin/maintenances/new", maintenance::new)
        .post("/admin/maintenances", maintenance::create)
        .get("/admin/maintenances/{id}", maintenance::show)
        .get("/admin/maintenances/{id}/edit", maintenance::edit)
        .post("/admin/maintenances/{id}", maintenance::update)
        .get("/admin/maintenances/{id}/deletion", maintenance_deletion::confirm_delete)
        .post("/admin/maintenances/{id}/deletion", maintenance_deletion::destroy)
        .get("/admin/maintenances/{id}/beginning", steps::confirm_begin)
        .post("/admin/maintenances/{id}/beginning", steps::begin)
        .post("/admin/maintenances/{id}/beginning/withdrawal", steps::undo_begin)
        .post("/admin/maintenances/{id}/completion", steps::complete)
        .get("/admin/maintenances/{id}/schedule", schedule::edit_schedule)
        .post("/admin/maintenances/{id}/schedule", schedule::update_schedule)
        .get("/admin/maintenances/{id}/extension", schedule::edit_extension)
        .post("/admin/maintenances/{id}/extension", schedule::extend)
        .get("/admin/maintenances/{id}/cancellation", schedule::confirm_cancel)
        .post("/admin/maintenances/{id}/cancellation", schedule::cancel)
        .post("/admin/maintenances/{id}/updates", maintenance_updates::create)
        .get("/admin/maintenances/{id}/updates/{update}/edit", maintenance_updates::edit)
        .post("/admin/maintenances/{id}/updates/{update}", maintenance_updates::update)
        .get("/admin/series/{id}/edit", recurring::edit)
        .post("/admin/series/{id}", recurring::update)
        .get("/admin/series/{id}/end", recurring::confirm_end)
        .post("/admin/series/{id}/end", recurring::end)
}

fn template_and_draft_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/drafts/{id}", drafts::show)
        .get("/admin/drafts/{id}/deletion", drafts::confirm_delete)
        .post("/admin/drafts/{id}/deletion", drafts::destroy)
        .get("/admin/templates", templates::index)
        .get("/admin/templates/new", templates::new)
        .post("/admin/templates", templates::create)
        .get("/admin/templates/{id}/edit", templates::edit)
        .post("/admin/templates/{id}", templates::update)
        .get("/admin/templates/{id}/deletion", templates::confirm_delete)
        .post("/admin/templates/{id}/deletion", templates::destroy)
}

fn component_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/components", component::index)
        .get("/admin/components/new", component::new)
        .post("/admin/components", component::create)
        .post("/admin/component-statuses", component::set_statuses)
        .get("/admin/components/{id}/edit", component::edit)
        .post("/admin/components/{id}", component::update)
        .post("/admin/components/{id}/position", component::step)
        .post("/admin/components/{id}/status", component::set_status)
        .get("/admin/components/{id}/corrections", corrections::index)
        .post("/admin/components/{id}/corrections", corrections::create)
        .post("/admin/components/{id}/corrections/{correction}/deletion", corrections::destroy)
        .get("/admin/components/{id}/deletion", component::confirm_delete)
        .post("/admin/components/{id}/deletion", component::destroy)
        .get("/admin/groups/new", groups::new)
        .post("/admin/groups", groups::create)
        .get("/admin/groups/{id}/edit", groups::edit)
        .post("/admin/groups/{id}", groups::update)
        .post("/admin/groups/{id}/position", groups::step)
        .get("/admin/groups/{id}/deletion", groups::confirm_delete)
        .post("/admin/groups/{id}/deletion", groups::destroy)
}

fn subscriber_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/subscribers", subscriber::index)
        .get("/admin/subscribers/new", subscriber::new)
        .post("/admin/subscribers", subscriber::create)
        .post("/admin/subscribers/selection", selection::change)
        .get("/admin/subscribers/import", import::new)
        .post("/admin/subscribers/import", import::create)
        .get("/admin/subscribers/export", import::confirm_export)
        .post("/admin/subscribers/export", import::export)
        .get("/admin/subscribers/channels/new", channels::new)
        .post("/admin/subscribers/channels", channels::create)
        .get("/admin/subscribers/notices", notices::index)
        .post("/admin/subscribers/{id}/test", test_message::create)
        .get("/admin/subscribers/{id}", subscriber::show)
        .post("/admin/subscribers/{id}", subscriber::update)
        .post("/admin/subscribers/{id}/confirmation", subscriber::resend)
        .post("/admin/subscribers/{id}/reactivation", subscriber::reactivate)
        .post("/admin/subscribers/{id}/unsubscription", subscriber::unsubscribe)
        .get("/admin/subscribers/{id}/erasure", erasure::confirm)
        .post("/admin/subscribers/{id}/erasure", erasure::create)
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
        .post("/admin/managers/{id}/identity/removal", oidc_connection::remove)
        .post("/admin/managers/{id}/sessions/revocation", managers::revoke_sessions)
        .get("/admin/sessions", sessions::index)
        .post("/admin/sessions/{session}/revocation", sessions::revoke)
}

fn account_routes(routes: Routes) -> Routes {
    routes
        .get("/admin/proof", reauth_oidc::show)
        .post("/admin/proof", reauth::create)
        .post("/admin/proof/oidc", reauth_oidc::create)
        .get("/admin/account", profile::show)
        .post("/admin/account/email", profile::set_email)
        .post("/admin/account/email/cancellation", profile::cancel_email)
        .post("/admin/account/password", profile::set_password)
        .post("/admin/account/identity", oidc_connection::create)
        .post("/admin/account/identity/removal", oidc_connection::destroy)
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
        .post("/admin/account/sessions/revocation", profile::revoke_others)
        .post("/admin/account/sessions/{session}/revocation", profile::revoke)
        .get("/admin/tokens", tokens::index)
        .post("/admin/tokens", tokens::create)
        .post("/admin/tokens/{id}/revocation", tokens::revoke)
}
