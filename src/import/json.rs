//! Reading JSON whose fields may be missing or of another type.

use serde_json::Value;

use super::sanitize::normalize_time;

/// A string, or a number as string; empty otherwise.
pub fn text(value: &Value, key: &str) -> String {
    match &value[key] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The first of these keys that has text.
pub fn first_text(value: &Value, keys: &[&str]) -> String {
    keys.iter().map(|key| text(value, key)).find(|text| !text.is_empty()).unwrap_or_default()
}

/// The first of these keys that has a time, normalized; times without an offset are UTC.
pub fn first_time(value: &Value, keys: &[&str]) -> String {
    normalize_time(&first_text(value, keys), chrono_tz::Tz::UTC)
}

/// The items of a list; none if it is no list.
pub fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// The documents in `bytes`: one value, or a list of values.
pub fn values(bytes: &[u8]) -> Result<Vec<Value>, serde_json::Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Ok(match serde_json::from_slice(bytes)? {
        Value::Array(values) => values,
        value => vec![value],
    })
}

/// Why visitors of the source don't see the item, by the words that hosted services use.
pub fn hidden_reason(item: &Value) -> Option<&'static str> {
    let is_true = |keys: &[&str]| keys.iter().any(|key| item[*key] == true || item[*key] == 1);
    let is_set = |keys: &[&str]| keys.iter().any(|key| item[*key].as_str().is_some_and(|text| !text.is_empty()));
    if is_true(&["draft", "isDraft", "is_draft"]) || item["published"] == false || item["status"] == "DRAFT" {
        return Some("a draft");
    }
    if is_true(&["archived", "isArchived"]) || is_set(&["archivedAt", "archived_at"]) {
        return Some("archived");
    }
    if is_true(&["deleted"]) || is_set(&["deletedAt", "deleted_at"]) {
        return Some("deleted");
    }
    let is_hidden = is_true(&["hidden", "isHidden", "private", "isPrivate", "is_private", "internal"]);
    let is_internal = ["private", "internal", "hidden"].iter().any(|word| item["visibility"] == *word);
    (is_hidden || is_internal || item["public"] == false).then_some("hidden")
}
