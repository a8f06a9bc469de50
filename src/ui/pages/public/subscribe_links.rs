//! After the form of `/subscribe`: what to do with the mail, and a form that mails the link of a subscription again.

use leptos::prelude::*;

use super::subscribe::{FormNotice, field_error, form_notice};
use crate::domain::Invalid;
use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};

/// The answer to a request, the same for every state of the address.
#[derive(Clone, Debug)]
pub struct MailSentPage {
    pub shell: PublicContext,
    pub email: String,
    /// Whether the visitor asked for the link of an existing subscription.
    pub is_for_settings: bool,
}

pub fn render_mail_sent_page(page: MailSentPage) -> String {
    crate::ui::render_page(|| view! { <MailSentView page=page /> })
}

#[component]
pub fn MailSentView(page: MailSentPage) -> AnyView {
    let MailSentPage { shell, email, is_for_settings } = page;
    let head = PageHead {
        title: "Check your e-mail".to_owned(),
        description: "The next step is in an e-mail.".to_owned(),
        kind: PageKind::Form,
        style: PageStyle::Base,
    };
    let (what, then) = if is_for_settings {
        ("If this address has a subscription, the e-mail contains the link to its settings.", "")
    } else {
        (
            "Press the link in it to start your subscription. It works for 48 hours.",
            " If you have subscribed before, the e-mail contains the link to your settings instead.",
        )
    };
    view! {
        <PublicLayout shell=shell head=head>
            <div class="intro">
                <h1>"Open the mail we sent to "<bdi>{email.clone()}</bdi></h1>
                <p class="lede">{what}{then}</p>
            </div>
            <form class="ask card" method="post" action="/subscribe/links">
                <section>
                    <h2>"Nothing there?"</h2>
                    <p class="soft">
                        "Look in the spam folder and check the address. An address gets at most one such e-mail per hour and three per day."
                    </p>
                </section>
                <input type="hidden" name="email" value=email />
                <div class="bottom">
                    <p><a href="/subscribe">"Use another address"</a></p>
                    <button>"Send again"</button>
                </div>
            </form>
        </PublicLayout>
    }
    .into_any()
}

/// `/subscribe/links`: mails the link of a subscription again.
#[derive(Clone, Debug)]
pub struct LostLinkPage {
    pub shell: PublicContext,
    pub email: String,
    pub invalid: Invalid,
    pub notice: FormNotice,
    pub reason: LostLinkReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostLinkReason {
    /// The visitor wants the link.
    Asked,
    /// The link that was opened is not valid.
    InvalidLink,
}

pub fn render_lost_link_page(page: LostLinkPage) -> String {
    crate::ui::render_page(|| view! { <LostLinkView page=page /> })
}

#[component]
pub fn LostLinkView(page: LostLinkPage) -> AnyView {
    let LostLinkPage { shell, email, invalid, notice, reason } = page;
    let (title, lede) = match reason {
        LostLinkReason::Asked => (
            "Get a link to your settings",
            "We send the link to your e-mail address. There you change, pause or end your subscription.",
        ),
        LostLinkReason::InvalidLink => (
            "This link is not valid",
            "It is incomplete, it was not confirmed within 48 hours, or the subscription has ended. Get a new link here.",
        ),
    };
    let head = PageHead {
        title: title.to_owned(),
        description: lede.to_owned(),
        kind: PageKind::Form,
        style: PageStyle::Base,
    };
    view! {
        <PublicLayout shell=shell head=head>
            <div class="intro"><h1>{title}</h1><p class="lede">{lede}</p></div>
            {form_notice(notice, &invalid)}
            <form class="ask card" method="post" action="/subscribe/links">
                <section>
                    <label for="email">"E-mail address"</label>
                    <input
                        type="email"
                        id="email"
                        name="email"
                        value=email
                        autocomplete="email"
                        maxlength="254"
                        aria-describedby=invalid.get("email").map(|_| "email-error")
                        aria-invalid=invalid.get("email").map(|_| "true")
                    />
                    {field_error("email", &invalid)}
                </section>
                <div class="bottom"><p></p><button>"Send the link"</button></div>
            </form>
            <p class="soft after">"Not subscribed? "<a href="/subscribe">"Subscribe"</a></p>
        </PublicLayout>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, check_form};

    #[test]
    fn typed_address_is_escaped() {
        let (shell, email) = (fixtures::shell("/subscribe"), format!("\"{SCRIPT}"));
        let sent = MailSentPage { shell: shell.clone(), email: email.clone(), is_for_settings: false };
        check_form(&render_mail_sent_page(sent));
        let (invalid, notice, reason) = (Invalid::new(), None, LostLinkReason::InvalidLink);
        check_form(&render_lost_link_page(LostLinkPage { shell, email, invalid, notice, reason }));
    }
}
