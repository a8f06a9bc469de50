//! Pages about managers, accounts, tokens and the audit log, with sample data.

use super::*;

pub fn pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let mut invited = manager("tomas", &world.text, Role::Publisher);
    invited.has_password = false;
    invited.last_login_at = None;
    let mut disabled = manager("ruth", "Ruth K.", Role::Viewer);
    disabled.disabled_at = Some(ago(4000));
    let other = manager("ana", &world.text, Role::Publisher);
    let all = [(shell().manager, 2), (other.clone(), 1), (invited.clone(), 0), (disabled.clone(), 0)];
    let managers =
        all.into_iter().map(|(manager, sessions)| ManagerRow { manager, has_factor: sessions > 0, sessions }).collect();
    let form = ManagerForm { email: world.text.clone(), name: world.text.clone(), role: String::new() };
    let one = |manager: Manager, sessions| {
        ManagerEdit {
            shell: shell(),
            role: manager.role.key().into(),
            manager,
            factors: Factors { totp: true, passkeys: 2, recovery_codes: 9 },
            sessions,
            invalid: Invalid::new(),
        }
        .html()
    };
    let link = OneTimeLink {
        shell: shell(),
        manager: invited,
        purpose: LinkPurpose::Invite,
        link: "https://status.harbor.example/setup/4f1b2c9d8e7a6f5b4c3d2e1f0a9b8c7d".into(),
        valid_until: now() + TimeDelta::days(3),
    };
    vec![
        (
            "managers",
            ManagerList {
                shell: shell(),
                managers,
                more: Some("ruth".into()),
                form,
                invalid: Invalid::field("email", "Enter a valid e-mail address, like name@example.org."),
            }
            .html(),
        ),
        ("manager-edit", one(other, 1)),
        ("manager-disabled", one(disabled, 0)),
        ("link-made", link.html()),
        (
            "account",
            Account {
                shell: shell(),
                email: world.text.clone(),
                pending_email: Some(world.text.clone()),
                confirms_email: true,
                factors: Factors::default(),
                password: true,
                provider: Some(ProviderRow { name: world.text.clone(), connected: None }),
                sessions: sessions(world),
                older: None,
                invalid: Invalid::new(),
            }
            .html(),
        ),
        ("audit", audit(world).html()),
        ("tokens", tokens(world).html()),
        (
            "token-made",
            TokenCreated { shell: shell(), token: token(world), secret: "candor_".to_owned() + &"x".repeat(38) }.html(),
        ),
    ]
}

pub fn sessions(world: &Gallery) -> Vec<SessionRow> {
    let session = |id: &str, user_agent: &str, current| SessionRow {
        id: id.into(),
        user_agent: user_agent.into(),
        address: "2001:db8::17".into(),
        created_at: ago(4000),
        last_seen_at: ago(if current { 0 } else { 700 }),
        current,
    };
    vec![
        session("a1", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", true),
        session("b2", &world.text, false),
    ]
}

fn audit(world: &Gallery) -> AuditList {
    let head = Some(Digest { id: 100, hash: "5f".repeat(32), at: now() });
    let search = AuditSearch { subject: world.text.clone(), ..Default::default() };
    AuditList { shell: world.shell.clone(), search, records: records(world), older: Some("41".into()), head }
}

fn token(world: &Gallery) -> ApiToken {
    ApiToken {
        id: TokenId::parse("token").unwrap(),
        manager_id: world.shell.manager.id.clone(),
        manager_name: world.shell.manager.name.clone(),
        name: world.shell.manager.name.clone(),
        scope: Scope::Publish,
        ending: "aB3d".into(),
        created_at: now(),
        expires_at: now() + TimeDelta::days(365),
        last_used_at: None,
    }
}

fn tokens(world: &Gallery) -> TokenList {
    let used = ApiToken { last_used_at: Some(ago(3)), expires_at: ago(2), ..token(world) };
    let form = ApiTokenForm { name: world.shell.manager.name.clone(), ..ApiTokenForm::default() };
    let invalid = Invalid::field("name", "You already have a token with this name.");
    TokenList { shell: world.shell.clone(), tokens: vec![token(world), used], older: None, form, invalid }
}

pub fn records(world: &Gallery) -> Vec<Record> {
    let actor = || Actor { manager_id: None, name: world.shell.manager.name.clone(), address: "2001:db8::17".into() };
    let record = |id, action: &str, before, after| Record {
        id,
        at: ago(100 - id),
        actor: actor(),
        action: action.into(),
        subject_id: "late".into(),
        subject_name: world.text.clone(),
        before,
        after,
        revision: id,
    };
    vec![
        record(
            43,
            "incident.edit",
            Some(json!({"title": world.text})),
            Some(json!({"title": world.text, "version": 4})),
        ),
        record(42, "incident.open", None, Some(json!({"title": world.text}))),
    ]
}
