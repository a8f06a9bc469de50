//! Pages about templates, drafts, previews, postmortems and corrections, with sample data.

use super::*;

pub fn pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let template = world.template();
    let edit = |id, form: TemplateForm, invalid| {
        TemplateEdit { shell: shell(), id, form, invalid, board: world.board(), conflict: None }.html()
    };
    let wrong = TemplateForm { body: "{{unknown}}".into(), ..TemplateForm::from_template(&template) };
    let invalid = wrong.parse().unwrap_err();
    let (theirs, yours) = (world.draft(), SavedDraft { fields: Fields::default(), ..world.draft() });
    let conflict = DraftConflict::Changed(Box::new((world.conflict(theirs).unwrap(), yours)));
    let extras = ComposerExtras { conflict: Some(conflict), ..world.extras() };
    let composer = |extras| {
        let form = IncidentForm { body: world.text.clone(), ..Default::default() };
        IncidentNew {
            shell: shell(),
            form,
            invalid: Invalid::new(),
            board: world.board(),
            extras,
            suggested_phase: None,
            focus_update: None,
        }
        .html()
    };
    let previewed = PagePreview {
        shell: shell(),
        section: Section::Incidents,
        visibility: Visibility::Embargoed(ago(-60)),
        action: "/admin/incidents".into(),
        fields: vec![("title".into(), world.text.clone())],
        back: None,
        removed: None,
        pages: vec![FramedPage {
            path: "/".into(),
            difference: "changes",
            html: format!("<p title=\"{}\">It is said.</p>", "x"),
        }],
        machine_paths: vec!["/badge.svg".into(), "/history.atom".into()],
        header_paths: vec!["/incidents/late".into()],
        messages: vec![ShownMessage {
            channel: "E-mail",
            subject: Some("Tidewater Maps Status: Satellite imagery is late".into()),
            html: None,
            text: "Identified\n\nA disk is full.".into(),
        }],
        recipients: 1204,
    };
    let gone =
        PagePreview { back: Some("/admin".into()), removed: Some("/incidents/late".into()), ..previewed.clone() };
    let (draft, title) = (world.draft(), world.text.clone());
    let deletion = DraftDeletion { shell: shell(), draft, title, readers: vec![world.reader()], changed: true };
    vec![
        ("draft-delete", deletion.html()),
        ("templates", TemplateList { shell: shell(), templates: vec![template.clone()] }.html()),
        ("templates-none", TemplateList { shell: shell(), templates: Vec::new() }.html()),
        ("template-edit-wrong", edit(Some(template.id.clone()), wrong, invalid)),
        ("template-delete", TemplateDeletion { shell: shell(), template }.html()),
        ("draft-conflict", composer(extras)),
        ("draft-gone", composer(ComposerExtras { draft: None, conflict: Some(DraftConflict::Gone), ..world.extras() })),
        ("preview", previewed.html()),
        ("preview-gone", gone.html()),
        ("postmortem-edit", postmortem(world, world.text.clone())),
        ("postmortem-edit-wrong", postmortem(world, String::new())),
        ("corrections", corrections(world)),
        ("shortcuts", Shortcuts { shell: shell() }.html()),
    ]
}

fn postmortem(world: &Gallery, body: String) -> String {
    let published = Some(postmortem::PublishedPostmortem { body: world.text.clone(), at: ago(100), update_id: None });
    let stored = Postmortem {
        incident: world.over.id.clone(),
        body: format!("{} and more", world.text),
        published,
        updated_at: ago(50),
        version: 3,
    };
    let form = PostmortemForm { body, version: 3 };
    let invalid = form.parse().err().unwrap_or_default();
    let (shell, incident) = (world.shell.clone(), world.over.clone());
    let conflict = world.conflict(PostmortemForm { body: "Theirs".into(), version: 3 });
    PostmortemEdit { shell, incident, postmortem: Some(stored), form, invalid, conflict }.html()
}

fn corrections(world: &Gallery) -> String {
    let correction = UptimeCorrection {
        id: CorrectionId::parse("c1").unwrap(),
        component_id: world.components[1].id.clone(),
        from: ago(4000),
        to: ago(3900),
        status: Status::Operational,
        reason: world.text.clone(),
        created_at: ago(100),
    };
    let form = CorrectionForm { reason: world.text.clone(), ..Default::default() };
    let invalid = form.parse().err().unwrap_or_default();
    let (shell, component) = (world.shell.clone(), world.components[1].clone());
    CorrectionList { shell, component, corrections: vec![correction], form, invalid }.html()
}
