//! Metadata that API clients store with an object and read back unchanged; the page doesn't use it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Error, Result, Tx, WriteTx};

pub async fn load(tx: &mut Tx, subject: &str) -> Result<Map<String, Value>> {
    let rows = rows!(tx, (String, String), "select field, value from api_metadata where subject_id = $1", subject)?;
    let field = |(field, value): (String, String)| Ok((field, serde_json::from_str(&value).map_err(Error::other)?));
    rows.into_iter().map(field).collect()
}

/// The metadata of all components that have some, by their id.
pub async fn load_of_components(tx: &mut Tx) -> Result<BTreeMap<String, Map<String, Value>>> {
    let sql = "select subject_id, field, value from api_metadata m join components c on c.id = m.subject_id";
    let mut all: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (subject, field, value) in rows!(tx, (String, String, String), sql)? {
        all.entry(subject).or_default().insert(field, serde_json::from_str(&value).map_err(Error::other)?);
    }
    Ok(all)
}

/// Replaces all metadata of `subject`.
pub async fn replace(tx: &mut WriteTx, subject: &str, fields: &Map<String, Value>) -> Result<()> {
    delete(tx, subject).await?;
    for (field, value) in fields {
        let sql = "insert into api_metadata (subject_id, field, value) values ($1, $2, $3)";
        run!(tx, sql, subject, field.as_str(), value.to_string())?;
    }
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, subject: &str) -> Result<()> {
    run!(tx, "delete from api_metadata where subject_id = $1", subject)?;
    Ok(())
}
