//! Imports incident templates.

use chrono::{DateTime, Utc};

use super::convert::Converted;
use super::progress::{Import, LocalChange, TEMPLATE_NOUNS, find_local_change};
use super::sanitize;
use super::source::{Source, SourceTemplate};
use crate::actions::imported;
use crate::db::{Result, WriteTx, components, templates};
use crate::domain::incident::MAX_TITLE;
use crate::domain::template::{MAX_NAME, TemplatePhase};
use crate::domain::{ComponentId, Status, Template, TemplateId};

fn convert_template(source: &SourceTemplate, now: DateTime<Utc>) -> std::result::Result<Converted<Template>, String> {
    let refuse = |what: &str| format!("template {} “{}”: {what}", source.id, source.name);
    let id = TemplateId::parse(&source.id).ok_or_else(|| refuse("its id can't be read"))?;
    let phase = TemplatePhase::from_key(&source.update_status)
        .ok_or_else(|| refuse(&format!("there are none for “{}” here", source.update_status)))?;
    let mut warnings = Vec::new();
    let mut warn = |message: String| warnings.push(format!("template {id} “{}”: {message}", source.name));
    if source.body.contains("{{") || source.title.contains("{{") {
        warn("it holds placeholders, which may have other names here".into());
    }
    let (name, _) = sanitize::sanitize_line(&source.name, MAX_NAME);
    let named = source.components.iter().filter_map(|row| ComponentId::parse(&row.id));
    let template = Template {
        name: if name.is_empty() { "(no name)".to_owned() } else { name },
        title: sanitize::sanitize_line(&source.title, MAX_TITLE).0,
        body: sanitize::convert_body(&source.body, &mut warn),
        phase,
        // The source names the components, but not their status.
        components: named.map(|id| (id, Status::Operational)).collect(),
        notify: source.should_send_notifications,
        created_at: now,
        updated_at: now,
        version: 1,
        id: id.clone(),
    };
    Ok(Converted { thing: template, warnings })
}

impl Import<'_> {
    pub(super) async fn templates(&mut self, tx: &mut WriteTx, source: &Source) -> Result<()> {
        for row in &source.templates {
            let planned = convert_template(row, self.now);
            let Some(Converted { thing, warnings }) = self.or_reject(planned, |report| &mut report.templates) else {
                continue;
            };
            self.template(tx, thing, warnings).await?;
        }
        Ok(())
    }

    async fn template(&mut self, tx: &mut WriteTx, mut thing: Template, warnings: Vec<String>) -> Result<()> {
        let there = components::list(tx).await?;
        thing.components.retain(|(id, _)| there.iter().any(|component| component.id == *id));
        thing.components.sort();
        thing.components.dedup();
        let existing = templates::list(tx).await?.into_iter().find(|existing| existing.id == thing.id);
        let said =
            |it: &Template| (it.name.clone(), it.title.clone(), it.body.clone(), it.phase, it.components.clone());
        let change = find_local_change(tx, thing.id.as_str(), TEMPLATE_NOUNS).await?;
        match existing {
            None if change == Some(LocalChange::Deleted) => {
                let item = ("template", thing.id.as_str(), thing.name.as_str());
                self.skip(LocalChange::Deleted, item, |report| &mut report.templates);
                return Ok(());
            }
            None => {
                self.entries.push(imported::template(tx, None, &mut thing, self.now).await?);
                self.report.templates.created += 1;
            }
            Some(before) if said(&before) == said(&thing) => {
                self.report.templates.unchanged += 1;
                return Ok(());
            }
            Some(before) => {
                if let Some(change) = change {
                    let item = ("template", before.id.as_str(), before.name.as_str());
                    self.skip(change, item, |report| &mut report.templates);
                    return Ok(());
                }
                thing.version = before.version;
                self.entries.push(imported::template(tx, Some(&before), &mut thing, self.now).await?);
                self.report.templates.changed += 1;
            }
        }
        self.report.warnings.extend(warnings);
        Ok(())
    }
}
