//! The admin pages, one file each. A page is a struct with all its data; its `html` renders the document.

mod accept_link;
mod account;
mod announcements;
mod audit;
mod brand;
mod checklist;
mod component_edit;
mod component_list;
mod components;
mod composer;
mod composer_extras;
mod conflict;
mod corrections;
mod dashboard;
mod draft_delete;
mod error;
mod factors;
mod forgot_password;
mod group_edit;
mod incident;
mod incident_card;
mod incident_delete;
mod incident_edit;
mod incident_new;
mod incidents;
mod login;
mod login_factor;
mod maintenance;
mod maintenance_delete;
mod maintenance_edit;
mod maintenance_new;
mod maintenance_schedule;
mod maintenance_start;
mod maintenance_update_edit;
mod maintenances;
mod manager_edit;
mod managers;
mod notices;
mod notify;
mod oidc_redirect;
mod one_time_link;
mod operator_channel;
mod page_import;
mod page_import_form;
mod pagination;
mod passkey_new;
mod past_updates;
mod postmortem_edit;
mod preview;
mod reauthenticate;
mod recovery_codes;
mod series_edit;
mod series_end;
mod sessions;
mod settings;
mod setup;
mod shortcuts;
mod subscriber_edit;
mod subscriber_import;
mod subscribers;
mod template_edit;
mod templates;
mod tokens;
mod totp;
mod update_delete;
mod update_edit;

#[cfg(test)]
mod look;
#[cfg(test)]
mod tests;

use leptos::component::{component_props_builder, component_view};

pub use accept_link::{AcceptLink, AcceptLinkPage, LinkExpired, LinkExpiredPage};
pub use account::{Account, AccountPage, ProviderRow, SessionRow};
pub use announcements::{
    AnnouncementDeletion, AnnouncementDeletionPage, AnnouncementEdit, AnnouncementEditPage, AnnouncementList,
    AnnouncementsPage,
};
pub use audit::{AuditList, AuditPage};
pub use brand::{BrandEdit, BrandEditPage, LogoSlot, brand_preview_error};
pub use checklist::{ChecklistItem, ChecklistStep, SetupChecklist};
pub use component_edit::{ComponentDeletion, ComponentDeletionPage, ComponentEdit, ComponentEditPage, SAME_NAME};
pub use component_list::{BoardRow, BoardSection, ComponentBoard};
pub use components::{ComponentList, ComponentsPage};
pub use composer_extras::{ComposerExtras, DraftConflict};
pub use conflict::Conflict;
pub use corrections::{CorrectionList, CorrectionsPage};
pub use dashboard::{Dashboard, DashboardPage};
pub use draft_delete::{DraftDeletion, DraftDeletionPage};
pub use error::{AdminError, AdminErrorPage, ErrorLayout, ExpiredLogin, TypedForm};
pub use factors::{FactorList, FactorsPage};
pub use forgot_password::{ForgotPassword, ForgotPasswordPage, ResetMethod};
pub use group_edit::{GroupDeletion, GroupDeletionPage, GroupEdit, GroupEditPage};
pub use incident::{IncidentPage, IncidentView};
pub use incident_delete::{IncidentDeletion, IncidentDeletionPage};
pub use incident_edit::{IncidentEdit, IncidentEditPage};
pub use incident_new::{IncidentNew, IncidentNewPage};
pub use incidents::{IncidentList, IncidentsPage};
pub use login::{Login, LoginPage};
pub use login_factor::{LoginSecondFactor, LoginSecondFactorPage};
pub use maintenance::{MaintenancePage, MaintenanceView};
pub use maintenance_delete::{MaintenanceDeletion, MaintenanceDeletionPage};
pub use maintenance_edit::{MaintenanceEdit, MaintenanceEditPage};
pub use maintenance_new::{MaintenanceNew, MaintenanceNewPage};
pub use maintenance_schedule::{
    MaintenanceCancellation, MaintenanceCancellationPage, MaintenanceExtension, MaintenanceExtensionPage,
    MaintenanceSchedule, MaintenanceSchedulePage,
};
pub use maintenance_start::{MaintenanceStart, MaintenanceStartPage};
pub use maintenance_update_edit::{MaintenanceUpdateEditPage, MaintenanceUpdateEditView};
pub use maintenances::{MaintenanceList, MaintenancesPage};
pub use manager_edit::{ManagerEdit, ManagerEditPage};
pub use managers::{ManagerList, ManagerRow, ManagersPage};
pub use notices::{NoticeList, NoticeRow, NoticesPage};
pub use oidc_redirect::{OidcRedirect, OidcRedirectPage};
pub use one_time_link::{OneTimeLink, OneTimeLinkPage};
pub use operator_channel::{OperatorChannelNew, OperatorChannelNewPage};
pub use page_import::{PageImportNew, PageImportNewPage, PageImportPage, PageImportView};
pub use passkey_new::{PasskeyNew, PasskeyNewPage};
pub use postmortem_edit::{PostmortemEdit, PostmortemEditPage};
pub use preview::{FramedPage, PagePreview, PreviewPage, ShownMessage};
pub use reauthenticate::{
    Reauthenticate, ReauthenticatePage, Reauthenticated, ReauthenticatedPage, Resumed, ResumedPage,
};
pub use recovery_codes::{RecoveryCodes, RecoveryCodesPage};
pub use series_edit::{SeriesEdit, SeriesEditPage};
pub use series_end::{SeriesEnd, SeriesEndPage};
pub use sessions::{OwnedSession, SessionList, SessionsPage};
pub use settings::{Settings, SettingsPage};
pub use setup::{
    SetupComponents, SetupComponentsPage, SetupManagers, SetupManagersPage, SetupPageStep, SetupPageStepPage, SetupStep,
};
pub use shortcuts::{Shortcuts, ShortcutsPage};
pub use subscriber_edit::{
    DeliveryRow, SubscriberEdit, SubscriberEditPage, SubscriberErasure, SubscriberErasurePage, SubscriberNew,
    SubscriberNewPage,
};
pub use subscriber_import::{
    ImportPreview, SubscriberExport, SubscriberExportPage, SubscriberImport, SubscriberImportPage,
};
pub use subscribers::{QueueState, SubscriberList, SubscriberRow, SubscriberSearch, SubscribersPage};
pub use template_edit::{TemplateDeletion, TemplateDeletionPage, TemplateEdit, TemplateEditPage};
pub use templates::{TemplateList, TemplatesPage};
pub use tokens::{TokenCreated, TokenCreatedPage, TokenList, TokensPage};
pub use totp::{TotpEnrolment, TotpPage, TotpSecret};
pub use update_delete::{UpdateDeletion, UpdateDeletionPage};
pub use update_edit::{UpdateEditPage, UpdateEditView};

macro_rules! pages {
    ($($path:literal $page:ident => $component:ident,)*) => {$(
        impl $page {
            #[doc = concat!("The whole document: `", $path, "`.")]
            pub fn html(self) -> String {
                super::super::render_page(|| {
                    let props = component_props_builder(&$component).page(self).build();
                    component_view($component, props)
                })
            }
        }
    )*};
}

pages! {
    "/login" Login => LoginPage,
    "/login/factor" LoginSecondFactor => LoginSecondFactorPage,
    "/login/oidc" OidcRedirect => OidcRedirectPage,
    "/forgotten" ForgotPassword => ForgotPasswordPage,
    "/setup/{token}" AcceptLink => AcceptLinkPage,
    "/setup/{token}" LinkExpired => LinkExpiredPage,
    "/admin" Dashboard => DashboardPage,
    "/admin/incidents" IncidentList => IncidentsPage,
    "/admin/incidents/new" IncidentNew => IncidentNewPage,
    "/admin/incidents/{id}" IncidentView => IncidentPage,
    "/admin/incidents/{id}/edit" IncidentEdit => IncidentEditPage,
    "/admin/incidents/{id}/deletion" IncidentDeletion => IncidentDeletionPage,
    "/admin/incidents/{id}/updates/{update}/edit" UpdateEditView => UpdateEditPage,
    "/admin/incidents/{id}/updates/{update}/deletion" UpdateDeletion => UpdateDeletionPage,
    "/admin/drafts/{id}/deletion" DraftDeletion => DraftDeletionPage,
    "/admin/maintenances" MaintenanceList => MaintenancesPage,
    "/admin/maintenances/new" MaintenanceNew => MaintenanceNewPage,
    "/admin/maintenances/{id}" MaintenanceView => MaintenancePage,
    "/admin/maintenances/{id}/edit" MaintenanceEdit => MaintenanceEditPage,
    "/admin/maintenances/{id}/deletion" MaintenanceDeletion => MaintenanceDeletionPage,
    "/admin/maintenances/{id}/beginning" MaintenanceStart => MaintenanceStartPage,
    "/admin/maintenances/{id}/schedule" MaintenanceSchedule => MaintenanceSchedulePage,
    "/admin/maintenances/{id}/extension" MaintenanceExtension => MaintenanceExtensionPage,
    "/admin/maintenances/{id}/cancellation" MaintenanceCancellation => MaintenanceCancellationPage,
    "/admin/maintenances/{id}/updates/{update}/edit" MaintenanceUpdateEditView => MaintenanceUpdateEditPage,
    "/admin/series/{id}/edit" SeriesEdit => SeriesEditPage,
    "/admin/series/{id}/end" SeriesEnd => SeriesEndPage,
    "/admin/components" ComponentList => ComponentsPage,
    "/admin/components/{id}/edit" ComponentEdit => ComponentEditPage,
    "/admin/components/{id}/deletion" ComponentDeletion => ComponentDeletionPage,
    "/admin/groups/{id}/edit" GroupEdit => GroupEditPage,
    "/admin/groups/{id}/deletion" GroupDeletion => GroupDeletionPage,
    "/admin/managers" ManagerList => ManagersPage,
    "/admin/managers/{id}" ManagerEdit => ManagerEditPage,
    "/admin/managers" OneTimeLink => OneTimeLinkPage,
    "/admin/sessions" SessionList => SessionsPage,
    "/admin/account" Account => AccountPage,
    "/admin/account/factors" FactorList => FactorsPage,
    "/admin/account/totp" TotpEnrolment => TotpPage,
    "/admin/account/passkeys/new" PasskeyNew => PasskeyNewPage,
    "/admin/account/recovery-codes" RecoveryCodes => RecoveryCodesPage,
    "any that asks for a fresh proof" Reauthenticate => ReauthenticatePage,
    "/admin/proof" Reauthenticated => ReauthenticatedPage,
    "/admin/pending-forms/{id}" Resumed => ResumedPage,
    "/admin/tokens" TokenList => TokensPage,
    "/admin/tokens" TokenCreated => TokenCreatedPage,
    "/admin/audit" AuditList => AuditPage,
    "/admin/incidents" PagePreview => PreviewPage,
    "/admin/templates" TemplateList => TemplatesPage,
    "/admin/templates/{id}/edit" TemplateEdit => TemplateEditPage,
    "/admin/templates/{id}/deletion" TemplateDeletion => TemplateDeletionPage,
    "/admin/incidents/{id}/postmortem" PostmortemEdit => PostmortemEditPage,
    "/admin/components/{id}/corrections" CorrectionList => CorrectionsPage,
    "/admin/subscribers" SubscriberList => SubscribersPage,
    "/admin/subscribers/new" SubscriberNew => SubscriberNewPage,
    "/admin/subscribers/{id}" SubscriberEdit => SubscriberEditPage,
    "/admin/subscribers/{id}/erasure" SubscriberErasure => SubscriberErasurePage,
    "/admin/subscribers/import" SubscriberImport => SubscriberImportPage,
    "/admin/subscribers/export" SubscriberExport => SubscriberExportPage,
    "/admin/subscribers/channels/new" OperatorChannelNew => OperatorChannelNewPage,
    "/admin/subscribers/notices" NoticeList => NoticesPage,
    "/admin/shortcuts" Shortcuts => ShortcutsPage,
    "/admin/settings" Settings => SettingsPage,
    "/admin/setup/page" SetupPageStep => SetupPageStepPage,
    "/admin/setup/components" SetupComponents => SetupComponentsPage,
    "/admin/setup/managers" SetupManagers => SetupManagersPage,
    "/admin/announcements" AnnouncementList => AnnouncementsPage,
    "/admin/announcements/{id}/edit" AnnouncementEdit => AnnouncementEditPage,
    "/admin/announcements/{id}/deletion" AnnouncementDeletion => AnnouncementDeletionPage,
    "/admin/brand" BrandEdit => BrandEditPage,
    "/admin/import" PageImportNew => PageImportNewPage,
    "/admin/import/{id}" PageImportView => PageImportPage,
    "any" AdminError => AdminErrorPage,
}
