//! Pages about second factors, sessions and reauthentication, with sample data.

use super::*;
use crate::domain::second_factor::Passkey;

pub fn pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let passkey = |id: &str, name: &str, last_used_at| Passkey {
        id: PasskeyId::parse(id).unwrap(),
        name: name.into(),
        created_at: ago(90_000),
        last_used_at,
    };
    let list = |factors: Factors, passkeys, lacking, passkeys_possible| {
        FactorList {
            shell: shell(),
            factors,
            passkeys,
            lacking,
            next: Some("/admin/incidents".into()),
            passkeys_possible,
        }
        .html()
    };
    let enrolment =
        |secret, invalid| TotpEnrolment { shell: shell(), secret, next: Some("/admin".into()), invalid }.html();
    let secret = TotpSecret {
        address: format!("otpauth://totp/Harbor:ines?secret=GEZDGNBVGY3TQOJQ&issuer={}", world.text.len()),
        spelled: "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ".into(),
    };
    let named = vec![passkey("laptop", &world.text, Some(ago(12))), passkey("key", "The key in the safe", None)];
    let full = Factors { totp: true, passkeys: 2, recovery_codes: 7 };
    let wrong = || Invalid::field("code", "Incorrect code.");
    let of = |session| OwnedSession {
        manager_id: world.shell.manager.id.clone(),
        manager_name: world.text.clone(),
        session,
    };
    vec![
        ("factors", list(full, named, false, true)),
        ("factors-lacking", list(Factors::default(), Vec::new(), true, false)),
        ("totp", enrolment(None, Invalid::new())),
        ("totp-wrong", enrolment(Some(secret), wrong())),
        (
            "passkey-new",
            PasskeyNew {
                shell: shell(),
                name: world.text.clone(),
                next: None,
                possible: true,
                invalid: Invalid::new(),
            }
            .html(),
        ),
        (
            "recovery-codes",
            RecoveryCodes { shell: shell(), codes: vec!["abcd-efgh-ijkl-mnop".into(); 10], next: None }.html(),
        ),
        ("proof", proof(world)),
        ("proved", proved(world)),
        (
            "sessions",
            SessionList {
                shell: shell(),
                sessions: people::sessions(world).into_iter().map(of).collect(),
                older: Some("1_ab".into()),
            }
            .html(),
        ),
    ]
}

fn proof(world: &Gallery) -> String {
    Reauthenticate {
        shell: world.shell.clone(),
        action: "/admin/managers".into(),
        kept: vec![("name".into(), world.text.clone()), ("email".into(), "rui@harbor.example".into())],
        path: "/admin/managers".into(),
        password: true,
        totp: true,
        passkeys: true,
        provider: Some(world.text.clone()),
        invalid: Invalid::field("proof_password", "Incorrect password."),
    }
    .html()
}

fn proved(world: &Gallery) -> String {
    let kept = vec![("name".to_owned(), world.text.clone())];
    Reauthenticated { shell: world.shell.clone(), wanted: Some(("/admin/managers".into(), kept)) }.html()
}

/// The pages before and during login.
pub fn plain_pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let step = |totp, passkeys, invalid| {
        LoginSecondFactor { shell: world.shell(), totp, passkeys, next: "/admin".into(), invalid }.html()
    };
    vec![
        ("login-factor", step(true, true, Invalid::new())),
        ("login-factor-wrong", step(false, false, Invalid::field("code", "Incorrect or already used code."))),
    ]
}

pub fn login(world: &Gallery, email: String, next: String, error: Option<String>) -> Login {
    Login { shell: world.shell(), email, next, passkeys: true, provider: Some(world.text.clone()), error }
}
