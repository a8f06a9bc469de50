//! Pages about maintenances, with sample data.

use super::*;

pub fn pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let none = Invalid::new;
    let view = |it: Maintenance, conflict| {
        let form = MaintenanceUpdateForm { body: world.text.clone(), ..MaintenanceUpdateForm::from_maintenance(&it) };
        let extras = world.extras();
        let maintenance = it;
        MaintenanceView { shell: shell(), maintenance, form, invalid: none(), conflict, undoes_start: true, extras }
            .html()
    };
    let wrong = SeriesForm::default();
    let invalid = wrong.parse().unwrap_err();
    let new = |form, invalid| {
        let extras = world.extras();
        MaintenanceNew { shell: shell(), form, invalid, board: world.board(), extras }.html()
    };
    let theirs = PlanForm { title: "Their title".into(), ..PlanForm::from_maintenance(&world.planned()) };
    let edit = MaintenanceEdit {
        notifies_steps: true,
        shell: shell(),
        maintenance: world.planned(),
        form: PlanForm::from_maintenance(&world.planned()),
        invalid: none(),
        board: world.board(),
        conflict: world.conflict(theirs),
    };
    let (it, form) = (world.planned(), ScheduleForm::from_maintenance(&world.planned()));
    let schedule = MaintenanceSchedule { shell: shell(), maintenance: it, form, invalid: none(), conflict: None };
    let (it, form) = (world.under_way(), ExtensionForm::from_maintenance(&world.under_way(), now()));
    let invalid_end = Invalid::field("until", "The new end must be after the scheduled end and in the future.");
    let extension =
        MaintenanceExtension { shell: shell(), maintenance: it, form, invalid: invalid_end, conflict: None };
    let (it, form) = (world.planned(), CancellationForm { body: world.text.clone(), version: 1 });
    let conflict = world.conflict(());
    let cancellation = MaintenanceCancellation { shell: shell(), maintenance: it, form, invalid: none(), conflict };
    let (it, form) = (world.planned(), StartForm { version: 1 });
    let start = MaintenanceStart { shell: shell(), maintenance: it, form, conflict: None };
    let (it, typed) = (world.planned(), world.text.clone());
    let deletion = MaintenanceDeletion { shell: shell(), maintenance: it, typed, invalid: none() };
    let update = world.planned().updates.remove(0);
    let form = UpdateEditForm::from_update(&update);
    let it = world.planned();
    let editing =
        MaintenanceUpdateEditView { shell: shell(), maintenance: it, update, form, invalid: none(), conflict: None };
    let series = SeriesEdit {
        notifies_steps: true,
        shell: shell(),
        series: world.series(),
        form: world.series_form(),
        invalid: none(),
        board: world.board(),
        conflict: None,
    };
    let (stopping, next) = (world.series(), Some(world.planned()));
    let end = SeriesEnd { shell: shell(), series: stopping, next, changed: true };
    let list = MaintenanceList {
        shell: shell(),
        maintenances: vec![world.planned(), world.under_way()],
        series: vec![world.series()],
        older: Some("1_m".into()),
    };
    vec![
        ("maintenances", list.html()),
        ("maintenance", view(world.planned(), None)),
        ("maintenance-under-way", view(world.under_way(), None)),
        ("maintenance-conflict", view(world.planned(), world.conflict(()))),
        ("maintenance-new", new(world.series_form(), none())),
        ("maintenance-new-wrong", new(wrong, invalid)),
        ("maintenance-edit", edit.html()),
        ("maintenance-move", schedule.html()),
        ("maintenance-extend", extension.html()),
        ("maintenance-cancel", cancellation.html()),
        ("maintenance-start", start.html()),
        ("maintenance-delete", deletion.html()),
        ("maintenance-update-edit", editing.html()),
        ("series-edit", series.html()),
        ("series-end", end.html()),
    ]
}
