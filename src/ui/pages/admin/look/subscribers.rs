//! Pages about subscribers, with sample data.

use super::*;
use crate::domain::notice::Event;
use crate::domain::subscriber::{Channel, IncidentEvents, Reach, Scope, SubscriberState};

pub fn pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let queue = QueueState { waiting: 1204, oldest: Some(ago(20)), is_stuck: true, has_mail: true, rejection: None };
    let row = || SubscriberRow { subscriber: subscriber(world), scope: world.text.clone() };
    let list = SubscriberList {
        shell: shell(),
        counts: vec![(Channel::Email, SubscriberState::Active, 1204), (Channel::Slack, SubscriberState::Active, 3)],
        search: SubscriberSearch { text: world.text.clone(), ..Default::default() },
        subscribers: Some(vec![row()]),
        older: Some("1_m".into()),
        queue: queue.clone(),
    };
    let seen = SubscriberList { subscribers: None, queue: QueueState::default(), ..list.clone() };
    let rejection = Some(world.text.clone());
    let rejected = SubscriberList { queue: QueueState { rejection, ..queue.clone() }, ..list.clone() };
    let erasure = SubscriberErasure { shell: shell(), subscriber: subscriber(world), subscriptions: 3 };
    let invalid = Invalid::field("email", world.text.clone());
    let new =
        SubscriberNew { shell: shell(), form: SubscriberForm::blank(), invalid: invalid.clone(), board: world.board() };
    let notice = NoticeRow {
        event: Event::IncidentUpdated,
        title: world.text.clone(),
        created_at: ago(5),
        is_expanded: false,
        queued: 400,
        sent: 800,
        rejected: 4,
        replaced: 0,
        dropped: 0,
        reasons: vec![(world.text.clone(), 4)],
        per_minute: Some(4200),
    };
    let channel = OperatorChannelNew {
        shell: shell(),
        form: OperatorChannelForm::read(&Fields(vec![
            ("channel".into(), "ntfy".into()),
            ("target".into(), world.text.clone()),
        ])),
        invalid: Invalid::field("server", "Enter the complete URL."),
    };
    let import = |preview| SubscriberImport { shell: shell(), invalid: Invalid::new(), preview }.html();
    vec![
        ("subscribers", list.html()),
        ("subscribers-viewer", seen.html()),
        ("subscriber-new-wrong", new.html()),
        ("subscriber", edit(world)),
        ("subscriber-erasure", erasure.html()),
        ("subscribers-rejected", rejected.html()),
        ("subscriber-import", import(None)),
        ("subscriber-import-preview", import(Some(preview(world)))),
        ("subscriber-export", SubscriberExport { shell: shell(), count: 1204 }.html()),
        ("operator-channel", channel.html()),
        ("notices", NoticeList { shell: shell(), notices: vec![notice], queue }.html()),
        ("incident-new-notifies", notifying(world)),
    ]
}

fn subscriber(world: &Gallery) -> Subscriber {
    Subscriber {
        id: SubscriberId::parse("k2v7xq0m4c9z").unwrap(),
        channel: Channel::Webhook,
        email: Some("ines@harbor.example".into()),
        endpoint_host: Some("hooks.harbor.example".into()),
        scope: Scope::Components(vec![world.components[0].id.clone()]),
        incidents: IncidentEvents::OpenedAndResolved,
        maintenance: true,
        state: SubscriberState::Quarantined,
        paused_at: None,
        requested_at: ago(9000),
        confirmed_at: Some(ago(8990)),
        consent_version: 1,
        quarantined_at: Some(ago(60)),
        quarantine_reason: Some(world.text.clone()),
        updated_at: ago(60),
        version: 3,
    }
}

fn edit(world: &Gallery) -> String {
    let subscriber = subscriber(world);
    let form = SubscriberForm::from_subscriber(&subscriber);
    let theirs = SubscriberForm { scope: "page".into(), ..form.clone() };
    let delivery = DeliveryRow {
        title: world.text.clone(),
        event: "Update".into(),
        created_at: ago(60),
        outcome: world.text.clone(),
        attempts: 8,
    };
    SubscriberEdit {
        shell: world.shell.clone(),
        subscriber,
        scope: world.text.clone(),
        form,
        invalid: Invalid::new(),
        board: world.board(),
        conflict: world.conflict(theirs),
        deliveries: vec![delivery],
        test_result: Some(world.text.clone()),
    }
    .html()
}

fn preview(world: &Gallery) -> ImportPreview {
    ImportPreview {
        text: world.text.clone(),
        added: 1204,
        sample: vec!["ines@harbor.example".into()],
        skipped: 30,
        reasons: vec![(7, world.text.clone(), "Not an e-mail address.".into())],
    }
}

fn notifying(world: &Gallery) -> String {
    let reach = Reach { count: 1204, is_limit: true, channels: vec![Channel::Email, Channel::Slack] };
    let shell = AdminContext { notify: NotifySwitch { is_on: true, reach }, ..world.shell.clone() };
    let (form, invalid) = (IncidentForm::default(), Invalid::new());
    let (board, extras) = (world.board(), world.extras());
    IncidentNew { shell, form, invalid, board, extras, suggested_phase: None, focus_update: None }.html()
}
