use leptos::prelude::*;

use super::account::{SessionRow, browser_name};
use super::pagination::older_link;
use crate::domain::ManagerId;
use crate::format::time::format_age;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::PostButton;
use crate::ui::time::Time;

/// One page of the sessions of all managers.
#[derive(Clone, Debug)]
pub struct SessionList {
    pub shell: AdminContext,
    /// Last seen first.
    pub sessions: Vec<OwnedSession>,
    /// The cursor of the next page, `None` on the last.
    pub older: Option<String>,
}

#[derive(Clone, Debug)]
pub struct OwnedSession {
    pub manager_id: ManagerId,
    pub manager_name: String,
    pub session: SessionRow,
}

#[component]
pub fn SessionsPage(page: SessionList) -> impl IntoView {
    let shell = page.shell.clone();
    let rows = page.sessions.iter().map(|of| session_row(of, &shell)).collect_view();
    let content = view! {
        <h1>"Sessions"</h1>
        <p class="soft">"Active sessions of all managers, most recent first."</p>
        <div class="scroll" tabindex="0" role="region" aria-label="Sessions, most recent first">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Manager"</th>
                        <th scope="col">"Device"</th>
                        <th scope="col">"IP address"</th>
                        <th scope="col">"Last active"</th>
                        <th scope="col">"Logged in"</th>
                        <th scope="col"><span class="unseen">"Revoke"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {older_link("/admin/sessions", Vec::new(), page.older)}
        <p><a href="/admin/managers">"Back to the managers"</a></p>
    };
    view! { <AdminLayout shell title="Sessions" section=Some(Section::Managers) content=content.into_any()/> }
}

fn session_row(of: &OwnedSession, shell: &AdminContext) -> AnyView {
    let (name, session) = (&of.manager_name, &of.session);
    let act = if session.current {
        view! { <strong class="this">"Current session"</strong> }.into_any()
    } else {
        let action = format!("/admin/sessions/{}/revocation", session.id);
        view! { <PostButton action words="Log out" about=format!("{name}, {}", browser_name(&session.user_agent))/> }
            .into_any()
    };
    view! {
        <tr>
            <th scope="row"><a href=format!("/admin/managers/{}", of.manager_id) dir="auto">{name.clone()}</a></th>
            <td title=session.user_agent.clone() dir="auto">{browser_name(&session.user_agent)}</td>
            <td dir="auto">{session.address.clone()}</td>
            <td><Time at=session.last_seen_at words=format_age(session.last_seen_at, shell.now)/></td>
            <td><Time at=session.created_at words=format_age(session.created_at, shell.now)/></td>
            <td>{act}</td>
        </tr>
    }
    .into_any()
}
