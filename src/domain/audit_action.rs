//! Every audit action, with its key, its words on the audit page, and its effect on the public page.

/// The effect of an action on what visitors can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Denied,
    Private,
    Adds,
    /// Posts an update; an API call may edit other fields in the same request.
    Posts,
    MayWithdraw,
}

macro_rules! actions {
    ($($variant:ident = $key:literal, $words:literal, $effect:ident;)+) => {
        /// Keys have the form `noun.verb`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $($variant,)+
        }

        impl Action {
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)+
                }
            }

            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$variant => $words,)+
                }
            }

            pub const fn effect(self) -> Effect {
                match self {
                    $(Self::$variant => Effect::$effect,)+
                }
            }

            /// `None` for a key of another version.
            pub fn from_key(key: &str) -> Option<Self> {
                match key {
                    $($key => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

actions! {
    IncidentOpen = "incident.open", "opened incident", Adds;
    IncidentEdit = "incident.edit", "edited incident", MayWithdraw;
    IncidentUpdate = "incident.update", "posted an update to incident", Posts;
    IncidentEditUpdate = "incident.edit-update", "edited an update of incident", MayWithdraw;
    IncidentDeleteUpdate = "incident.delete-update", "deleted an update of incident", MayWithdraw;
    IncidentPublish = "incident.publish", "published incident", Posts;
    IncidentEndEmbargo = "incident.end-embargo", "published incident at its embargo time", Adds;
    IncidentDelete = "incident.delete", "deleted incident", MayWithdraw;
    IncidentImport = "incident.import", "imported incident", MayWithdraw;
    PostmortemEdit = "postmortem.edit", "edited the postmortem of incident", MayWithdraw;
    PostmortemPublish = "postmortem.publish", "published the postmortem of incident", MayWithdraw;
    PostmortemWithdraw = "postmortem.withdraw", "unpublished the postmortem of incident", MayWithdraw;
    PostmortemDelete = "postmortem.delete", "deleted the postmortem of incident", MayWithdraw;
    PostmortemImport = "postmortem.import", "imported the postmortem of incident", MayWithdraw;
    DraftAdd = "draft.add", "saved draft", Private;
    DraftEdit = "draft.edit", "edited draft", Private;
    DraftDelete = "draft.delete", "deleted draft", Private;
    TemplateAdd = "template.add", "added template", Private;
    TemplateEdit = "template.edit", "edited template", Private;
    TemplateDelete = "template.delete", "deleted template", Private;
    TemplateImport = "template.import", "imported template", Private;
    MaintenanceSchedule = "maintenance.schedule", "scheduled maintenance", Adds;
    MaintenanceEdit = "maintenance.edit", "edited maintenance", MayWithdraw;
    MaintenanceUpdate = "maintenance.update", "posted an update to maintenance", Posts;
    MaintenanceEditUpdate = "maintenance.edit-update", "edited an update of maintenance", MayWithdraw;
    MaintenanceStart = "maintenance.start", "started maintenance", Posts;
    MaintenanceUndoStart = "maintenance.undo-start", "undid the start of maintenance", MayWithdraw;
    MaintenanceExtend = "maintenance.extend", "extended maintenance", MayWithdraw;
    MaintenanceReschedule = "maintenance.reschedule", "rescheduled maintenance", MayWithdraw;
    MaintenanceRemind = "maintenance.remind", "posted a reminder of maintenance", Posts;
    MaintenanceComplete = "maintenance.complete", "completed maintenance", Posts;
    MaintenanceCancel = "maintenance.cancel", "cancelled maintenance", MayWithdraw;
    MaintenanceDelete = "maintenance.delete", "deleted maintenance", MayWithdraw;
    MaintenanceImport = "maintenance.import", "imported maintenance", MayWithdraw;
    SeriesAdd = "series.add", "added recurring maintenance", MayWithdraw;
    SeriesEdit = "series.edit", "edited recurring maintenance", MayWithdraw;
    SeriesEnd = "series.end", "ended recurring maintenance", MayWithdraw;
    ComponentAdd = "component.add", "added component", Adds;
    ComponentEdit = "component.edit", "edited component", MayWithdraw;
    ComponentSetStatus = "component.set-status", "set the status of component", Adds;
    ComponentDelete = "component.delete", "deleted component", MayWithdraw;
    ComponentImport = "component.import", "imported component", MayWithdraw;
    ComponentCorrectUptime = "component.correct-uptime", "corrected the uptime of component", MayWithdraw;
    ComponentRemoveCorrection = "component.remove-correction", "removed an uptime correction of component", MayWithdraw;
    GroupAdd = "group.add", "added group", Adds;
    GroupEdit = "group.edit", "edited group", MayWithdraw;
    GroupDelete = "group.delete", "deleted group", MayWithdraw;
    GroupImport = "group.import", "imported group", MayWithdraw;
    PageEdit = "page.edit", "changed the settings of page", MayWithdraw;
    PageEditBrand = "page.edit-brand", "changed the brand of page", MayWithdraw;
    PageFinishSetup = "page.finish-setup", "finished the setup of page", Private;
    PageDismissChecklist = "page.dismiss-checklist", "dismissed the setup checklist of page", Private;
    PageImport = "page.import", "imported the settings of page", MayWithdraw;
    PageImportFeedIds = "page.import-feed-ids", "imported feed entry ids:", MayWithdraw;
    AnnouncementAdd = "announcement.add", "added announcement", Adds;
    AnnouncementEdit = "announcement.edit", "edited announcement", MayWithdraw;
    AnnouncementDelete = "announcement.delete", "deleted announcement", MayWithdraw;
    ImportFetch = "import.fetch", "fetched for an import:", Private;
    ImportConfirm = "import.confirm", "started the import of", Private;
    ImportDiscard = "import.discard", "discarded the import of", Private;
    SubscriberAdd = "subscriber.add", "added subscriber", Private;
    SubscriberResend = "subscriber.resend", "sent the confirmation again to", Private;
    SubscriberExport = "subscriber.export", "exported", Private;
    SubscriberImport = "subscriber.import", "imported subscribers:", Private;
    SubscriberConfirm = "subscriber.confirm", "confirmed subscription", Private;
    SubscriberEdit = "subscriber.edit", "changed subscription", Private;
    SubscriberUnsubscribe = "subscriber.unsubscribe", "ended subscription", Private;
    SubscriberTest = "subscriber.test", "sent a test message to", Private;
    MailTest = "mail.test", "sent a test mail to", Private;
    SubscriberErase = "subscriber.erase", "deleted all data of subscriber", Private;
    SubscriberQuarantine = "subscriber.quarantine", "quarantined subscriber", Private;
    SubscriberReactivate = "subscriber.reactivate", "reactivated subscriber", Private;
    ManagerCreateFirstOwner = "manager.create-first-owner", "created the first owner account:", Private;
    ManagerAdd = "manager.add", "added manager", Private;
    ManagerInvite = "manager.invite", "invited manager", Private;
    ManagerAcceptInvitation = "manager.accept-invitation", "accepted the invitation of", Private;
    ManagerSetRole = "manager.set-role", "changed the role of", Private;
    ManagerDisable = "manager.disable", "disabled manager", Private;
    ManagerEnable = "manager.enable", "enabled manager", Private;
    ManagerSetPassword = "manager.set-password", "changed the password of", Private;
    ManagerResetPassword = "manager.reset-password", "reset the password of", Private;
    ManagerCreateResetLink = "manager.create-reset-link", "created a password reset link for", Private;
    ManagerMailResetLink = "manager.mail-reset-link", "mailed a password reset link to", Private;
    ManagerSetEmail = "manager.set-email", "changed the e-mail address of", Private;
    ManagerRequestEmail = "manager.request-email", "requested a new e-mail address for", Private;
    ManagerCancelEmail = "manager.cancel-email", "cancelled the new e-mail address of", Private;
    ManagerLogin = "manager.login", "logged in:", Private;
    ManagerBeginLogin = "manager.begin-login", "passed the password step:", Private;
    ManagerLoginByPasskey = "manager.login-by-passkey", "logged in with a passkey:", Private;
    ManagerLoginByRecoveryCode = "manager.login-by-recovery-code", "logged in with a recovery code:", Private;
    ManagerLoginByOidc = "manager.login-by-oidc", "logged in by OIDC:", Private;
    ManagerBeginLoginByOidc = "manager.begin-login-by-oidc", "passed the OIDC step:", Private;
    ManagerAddByOidc = "manager.add-by-oidc", "was created by OIDC login:", Private;
    ManagerAcceptByOidc = "manager.accept-by-oidc", "accepted the invitation by OIDC login:", Private;
    ManagerSyncRole = "manager.sync-role", "got another role from the identity provider:", Private;
    ManagerRetainRole = "manager.retain-role", "stayed owner, because an owner is required:", Private;
    ManagerRevokeAccess = "manager.revoke-access", "lost access at the identity provider:", Private;
    ManagerConnectOidc = "manager.connect-oidc", "connected an identity provider login to", Private;
    ManagerDisconnectOidc = "manager.disconnect-oidc", "disconnected the identity provider login of", Private;
    ManagerLogout = "manager.logout", "logged out:", Private;
    ManagerRevokeSession = "manager.revoke-session", "ended a session of", Private;
    ManagerRevokeSessions = "manager.revoke-sessions", "ended the sessions of", Private;
    ManagerReauthenticate = "manager.reauthenticate", "confirmed the identity of", Private;
    ManagerAddTotp = "manager.add-totp", "added an authenticator app for", Private;
    ManagerRemoveTotp = "manager.remove-totp", "removed the authenticator app of", Private;
    ManagerAddPasskey = "manager.add-passkey", "added a passkey for", Private;
    ManagerRemovePasskey = "manager.remove-passkey", "removed a passkey of", Private;
    ManagerRemoveFactors = "manager.remove-factors", "removed all second factors of", Private;
    ManagerRenewRecoveryCodes = "manager.renew-recovery-codes", "generated new recovery codes for", Private;
    ManagerDenyLogin = "manager.deny-login", "denied login:", Denied;
    ManagerDenyCode = "manager.deny-code", "denied (wrong second factor):", Denied;
    ManagerDenyReauthentication = "manager.deny-reauthentication", "denied (wrong reauthentication):", Denied;
    ManagerDenyRole = "manager.deny-role", "denied (role):", Denied;
    ManagerDenyCrossSite = "manager.deny-cross-site", "denied (cross-site request):", Denied;
    ManagerDenyLink = "manager.deny-link", "used an invalid one-time link", Denied;
    TokenAdd = "token.add", "created API token", Private;
    TokenRevoke = "token.revoke", "revoked API token", Private;
    TokenDeny = "token.deny", "used an invalid API token", Denied;
    TokenDenyCleartext = "token.deny-cleartext", "sent an API token without TLS", Denied;
    TokenDenyScope = "token.deny-scope", "denied (scope):", Denied;
    PolicyEdit = "policy.edit", "changed the security settings", Private;
    AuditSuppressDenials = "audit.suppress-denials", "further denied attempts:", Denied;
    DatabaseRestore = "database.restore", "accepted a restored", MayWithdraw;
    SampleLoad = "sample.load", "loaded the sample page", MayWithdraw;
}

impl Action {
    /// The part of the key before the dot.
    pub fn noun(self) -> &'static str {
        self.key().split_once('.').map_or(self.key(), |(noun, _)| noun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::search::NOUNS;

    #[test]
    fn action_keys_are_unique_and_parse_back() {
        for action in Action::ALL {
            assert_eq!(Action::from_key(action.key()), Some(*action));
        }
        assert_eq!(Action::from_key("odd"), None);
    }

    #[test]
    fn audit_search_offers_every_noun() {
        for action in Action::ALL {
            let noun = action.noun();
            assert!(NOUNS.iter().any(|(known, _)| *known == noun), "{noun}");
        }
    }

    #[test]
    fn denied_actions_are_named_so() {
        for action in Action::ALL {
            let verb = action.key().split_once('.').map_or("", |(_, verb)| verb);
            let named = verb.starts_with("deny") || verb == "suppress-denials";
            assert_eq!(action.effect() == Effect::Denied, named, "{}", action.key());
        }
    }
}
