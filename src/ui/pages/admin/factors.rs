use leptos::prelude::*;

use crate::domain::Factors;
use crate::domain::second_factor::{Passkey, RECOVERY_CODES};
use crate::format::time::format_age;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Hidden, PostButton, Submit};
use crate::ui::time::Time;

#[derive(Clone, Debug)]
pub struct FactorList {
    pub shell: AdminContext,
    pub factors: Factors,
    /// Oldest first.
    pub passkeys: Vec<Passkey>,
    /// Whether a factor must be added before anything else is allowed.
    pub lacking: bool,
    /// Where the manager was going when a second factor was required.
    pub next: Option<String>,
    /// Whether browsers allow passkeys at this origin.
    pub passkeys_possible: bool,
}

#[component]
pub fn FactorsPage(page: FactorList) -> impl IntoView {
    let shell = page.shell.clone();
    let lacking = page.lacking.then(|| {
        view! {
            <div class="summary conflict" role="alert">
                <p><strong>"Two-factor authentication is required here"</strong></p>
                <p>"Add an authenticator app or a passkey to continue."</p>
            </div>
        }
    });
    let content = view! {
        <div class="column">
            <h1>"Two-factor authentication"</h1>
            {lacking}
            <p>"Adds a second step when you log in."</p>
            <section aria-labelledby="app">
                <h2 id="app">"Authenticator app"</h2>
                {totp_section(&page)}
            </section>
            <section aria-labelledby="passkeys">
                <h2 id="passkeys">"Passkeys"</h2>
                {passkey_section(&page, &shell)}
            </section>
            {recovery_section(page.factors)}
            <p><a href="/admin/account">"Back to your account"</a></p>
        </div>
    };
    view! { <AdminLayout shell title="Two-factor authentication" section=Some(Section::Account) content=content.into_any()/> }
}

fn totp_section(page: &FactorList) -> AnyView {
    if page.factors.totp {
        return view! {
            <p class="soft">"Required after your password."</p>
            <PostButton action="/admin/account/totp/removal" words="Remove the app" weight=ButtonStyle::Destructive/>
        }
        .into_any();
    }
    view! {
        <p class="soft">"An app on your phone shows a new code every 30 seconds."</p>
        <form method="post" action="/admin/account/totp">
            {page.next.clone().map(|next| view! { <Hidden name="next" value=next/> })}
            <Submit words="Add an authenticator app" weight=ButtonStyle::Quiet/>
        </form>
    }
    .into_any()
}

fn passkey_section(page: &FactorList, shell: &AdminContext) -> AnyView {
    let row = |passkey: &Passkey| {
        let used = match passkey.last_used_at {
            Some(at) => view! { "used "<Time at words=format_age(at, shell.now)/> }.into_any(),
            None => "never used".into_any(),
        };
        view! {
            <li>
                <div class="what">
                    <span dir="auto">{passkey.name.clone()}</span>
                    <p class="soft">"Added "<Time at=passkey.created_at words=format_age(passkey.created_at, shell.now)/>" · "{used}</p>
                </div>
                <PostButton
                    action=format!("/admin/account/passkeys/{}/removal", passkey.id)
                    words="Remove"
                    about=passkey.name.clone()
                />
            </li>
        }
    };
    let list = (!page.passkeys.is_empty())
        .then(|| view! { <div class="board group"><ul>{page.passkeys.iter().map(row).collect_view()}</ul></div> });
    let add = if page.passkeys_possible {
        let query = page.next.as_deref().map(|next| {
            format!("?{}", url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish())
        });
        let path = format!("/admin/account/passkeys/new{}", query.unwrap_or_default());
        view! { <p class="actions"><a class="button" href=path>"Add a passkey"</a></p> }.into_any()
    } else {
        view! { <p>{PASSKEYS_UNAVAILABLE}</p> }.into_any()
    };
    view! {
        <p class="soft">"Log in with your fingerprint, face, PIN or security key, without a password."</p>
        {list}
        {add}
    }
    .into_any()
}

pub const PASSKEYS_UNAVAILABLE: &str = "Passkeys need HTTPS and a domain name. Ask your server administrator to set \
                              CANDOR_BASE_URL (http://localhost:3000 also works).";

fn recovery_section(factors: Factors) -> Option<AnyView> {
    let left = match factors.recovery_codes {
        0 => "No codes left.".to_owned(),
        1 => "1 code left.".to_owned(),
        count => format!("{count} of {RECOVERY_CODES} codes left."),
    };
    factors.any().then(|| {
        view! {
            <section aria-labelledby="recovery">
                <h2 id="recovery">"Recovery codes"</h2>
                <p class="soft">"Each can be used once if you lose your device. "{left}</p>
                <PostButton action="/admin/account/recovery-codes" words="Regenerate recovery codes"/>
            </section>
        }
        .into_any()
    })
}
