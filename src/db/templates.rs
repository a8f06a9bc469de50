//! Incident templates.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx, api_metadata};
use crate::credentials::random_bytes;
use crate::domain::forms::NewTemplate;
use crate::domain::template::TemplatePhase;
use crate::domain::{ComponentId, Status, Template, TemplateId};

/// All templates are listed at once.
const MAX_TEMPLATES: i64 = 200;

#[apply(from_row!)]
struct Row {
    id: String,
    name: String,
    title: String,
    body: String,
    phase: String,
    notify: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

pub async fn list(tx: &mut Tx) -> Result<Vec<Template>> {
    let sql = "select id, name, title, body, phase, notify, created_at, updated_at, version
               from templates order by lower(name), id limit $1";
    let rows = rows!(tx, Row, sql, MAX_TEMPLATES)?;
    let mut templates: Vec<Template> = rows.into_iter().map(Template::try_from).collect::<Result<_>>()?;
    let sql = "select template_id, component_id, status from template_components order by component_id";
    for (template, component, status) in rows!(tx, (String, String, String), sql)? {
        if let Some(template) = templates.iter_mut().find(|other| other.id.as_str() == template) {
            template.components.push(parse_component_status(&component, &status)?);
        }
    }
    Ok(templates)
}

pub async fn find(tx: &mut Tx, id: &TemplateId) -> Result<Template> {
    let sql =
        "select id, name, title, body, phase, notify, created_at, updated_at, version from templates where id = $1";
    let mut template: Template = row!(tx, Row, sql, id.as_str())?.ok_or(Error::NotFound)?.try_into()?;
    template.components = components_of(tx, id).await?;
    Ok(template)
}

/// Fails as [`insert`].
pub async fn create(tx: &mut WriteTx, new: NewTemplate, now: DateTime<Utc>) -> Result<Template> {
    let template = Template {
        id: TemplateId::from_random(random_bytes()),
        name: new.name,
        title: new.title,
        body: new.body,
        phase: new.phase,
        components: new.components,
        notify: new.notify,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    insert(tx, &template).await?;
    Ok(template)
}

/// Adds `template` unchanged, as an import does. `Full` at the limit, `Conflict` if the id is taken or a component was
/// deleted.
pub async fn insert(tx: &mut WriteTx, template: &Template) -> Result<()> {
    let count = row!(tx, (i64,), "select count(*) from templates")?;
    if count.is_some_and(|(count,)| count >= MAX_TEMPLATES) {
        return Err(Error::Full("Limit reached (200 templates). Delete one first."));
    }
    run!(
        tx,
        "insert into templates (id, name, title, body, phase, notify, created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        template.id.as_str(),
        template.name.as_str(),
        template.title.as_str(),
        template.body.as_str(),
        template.phase.key(),
        template.notify,
        template.created_at,
        template.updated_at,
        template.version
    )?;
    write_components(tx, template).await
}

/// Saves `template` and increments its version. `Conflict` if the stored version differs or a component was deleted.
pub async fn update(tx: &mut WriteTx, template: &mut Template, now: DateTime<Utc>) -> Result<()> {
    let changed = run!(
        tx,
        "update templates set name = $1, title = $2, body = $3, phase = $4, notify = $5, updated_at = $6,
           version = version + 1
         where id = $7 and version = $8",
        template.name.as_str(),
        template.title.as_str(),
        template.body.as_str(),
        template.phase.key(),
        template.notify,
        now,
        template.id.as_str(),
        template.version
    )?;
    if changed == 0 {
        return Err(Error::Conflict("the template was changed in the meantime"));
    }
    run!(tx, "delete from template_components where template_id = $1", template.id.as_str())?;
    write_components(tx, template).await?;
    template.version += 1;
    template.updated_at = now;
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, id: &TemplateId) -> Result<()> {
    api_metadata::delete(tx, id.as_str()).await?;
    run!(tx, "delete from templates where id = $1", id.as_str())?;
    Ok(())
}

async fn components_of(tx: &mut Tx, id: &TemplateId) -> Result<Vec<(ComponentId, Status)>> {
    let sql = "select component_id, status from template_components where template_id = $1 order by component_id";
    let rows = rows!(tx, (String, String), sql, id.as_str())?;
    rows.into_iter().map(|(component, status)| parse_component_status(&component, &status)).collect()
}

fn parse_component_status(component: &str, status: &str) -> Result<(ComponentId, Status)> {
    let id = ComponentId::parse(component).ok_or_else(|| Error::other("a component's id"))?;
    Ok((id, Status::from_key(status).ok_or_else(|| Error::other("a component's status"))?))
}

async fn write_components(tx: &mut WriteTx, template: &Template) -> Result<()> {
    for (component, status) in &template.components {
        let sql = "insert into template_components (template_id, component_id, status)
                   select $1, id, $2 from components where id = $3";
        if run!(tx, sql, template.id.as_str(), status.key(), component.as_str())? == 0 {
            return Err(Error::Conflict("a component of the template is gone: look at the form again"));
        }
    }
    Ok(())
}

impl TryFrom<Row> for Template {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: TemplateId::parse(&row.id).ok_or_else(|| Error::other("a template's id"))?,
            name: row.name,
            title: row.title,
            body: row.body,
            phase: TemplatePhase::from_key(&row.phase).ok_or_else(|| Error::other("a template's phase"))?,
            components: Vec::new(),
            notify: row.notify,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}
