//! Reads a request's fields from its body (JSON, form or multipart form) and its query. Errors point to their field.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::request_body::{Field, FlagKind, Instant, ListKind, MapKind, Place, RequestBody, TextKind};
use crate::db::components::MAX_COMPONENTS;
use crate::domain::Invalid;
use crate::domain::parse_time::parse_any_instant;
use crate::web::{Error, Result, form};

/// Maximum number of values in a body: a change of two thousand components, named twice, has about four thousand.
const MAX_VALUES: usize = 10_000;
/// Maximum nesting of a form's names: `incident[components][ID]` is three.
const MAX_DEPTH: usize = 6;

/// The fields of one object, and the errors found so far.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// JSON pointer to the object.
    at: String,
    fields: Map<String, Value>,
    wrong: Vec<(String, String)>,
}

const FILES_REJECTED: &str = "Files are not accepted. Send every field as text.";

/// Maximum number of component fields in a form: a component may be named twice, in a list and with its status.
const MAX_COMPONENT_FIELDS: usize = 2 * MAX_COMPONENTS as usize;

/// Parses the fields of a request. Fields of the query count where the body lacks them.
pub async fn parse_request(headers: &HeaderMap, query: &Value, bytes: &Bytes) -> Result<Value> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_multipart = kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")
        && !bytes.trim_ascii_start().starts_with(b"{");
    let mut body = if is_multipart { parse_multipart(kind, bytes).await? } else { parse_body(bytes)? };
    fill_missing(&mut body, query);
    Ok(body)
}

/// The fields in a query string, without the API token.
pub fn parse_query(query: &str) -> Result<Value> {
    let mut fields = form::read_form_within(query.as_bytes(), MAX_COMPONENT_FIELDS)?.0;
    fields.retain(|(name, _)| name != "api_key");
    Ok(parse_nested_form(&fields))
}

fn fill_missing(body: &mut Value, query: &Value) {
    let (Value::Object(fields), Value::Object(others)) = (body, query) else { return };
    for (name, value) in others {
        match fields.get_mut(name) {
            Some(own) => fill_missing(own, value),
            None => drop(fields.insert(name.clone(), value.clone())),
        }
    }
}

async fn parse_multipart(kind: &str, bytes: &Bytes) -> Result<Value> {
    let unreadable = || Error::BadRequest("The body is not a valid multipart form.".into());
    let request = Request::builder().header(header::CONTENT_TYPE, kind).body(Body::from(bytes.clone()));
    let request = request.map_err(|_| unreadable())?;
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| unreadable())?;
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|_| unreadable())? {
        if part.file_name().is_some() {
            return Err(Error::BadRequest(FILES_REJECTED.into()));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let text = String::from_utf8(part.bytes().await.map_err(|_| unreadable())?.into());
        fields.push((name, text.map_err(|_| Error::BadRequest("The body must be UTF-8.".into()))?));
    }
    Ok(parse_nested_form(&form::limit_fields(fields.into_iter(), MAX_COMPONENT_FIELDS)?.0))
}

/// Parses a body. Many clients send no or a wrong content type, so the first character decides between JSON and form.
pub fn parse_body(bytes: &[u8]) -> Result<Value> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::BadRequest("The body must be UTF-8.".into()))?;
    let text = text.trim();
    if text.starts_with(['{', '[']) {
        if count_values(text) > MAX_VALUES {
            return Err(Error::Unfit(format!("The body has more than {MAX_VALUES} values.")));
        }
        return serde_json::from_str(text)
            .map_err(|error| Error::BadRequest(format!("The body is not valid JSON: {error}.")));
    }
    Ok(parse_nested_form(&form::read_form_within(text.as_bytes(), MAX_COMPONENT_FIELDS)?.0))
}

/// Upper bound of the values in `text` as JSON: each follows a comma or begins a list or an object.
fn count_values(text: &str) -> usize {
    let (mut count, mut quoted, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// The object of a form with names like `incident[component_ids][]`.
fn parse_nested_form(fields: &[(String, String)]) -> Value {
    let mut whole = Value::Object(Map::new());
    for (name, value) in fields {
        let mut path = name.split('[').map(|part| part.trim_end_matches(']'));
        let steps: Vec<&str> = path.by_ref().take(MAX_DEPTH).collect();
        if path.next().is_none() && !name.is_empty() {
            insert_nested(&mut whole, &steps, value);
        }
    }
    whole
}

fn insert_nested(place: &mut Value, steps: &[&str], value: &str) {
    let Some((step, rest)) = steps.split_first() else {
        *place = Value::String(value.to_owned());
        return;
    };
    if step.is_empty() {
        if !place.is_array() {
            *place = Value::Array(Vec::new());
        }
        if let Value::Array(list) = place {
            let mut item = Value::Null;
            insert_nested(&mut item, rest, value);
            list.push(item);
        }
        return;
    }
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    if let Value::Object(fields) = place {
        insert_nested(fields.entry(*step).or_insert(Value::Null), rest, value);
    }
}

impl Params {
    /// The fields of the body, from the place that `B` declares.
    pub fn from_declared<B: RequestBody>(body: &Value) -> Result<Self> {
        match B::PLACE {
            Place::TopLevel => Ok(Self::from_body(body)),
            Place::Object(name) | Place::OptionalObject(name) => Self::from_object(body, name),
        }
    }

    fn from_object(body: &Value, name: &str) -> Result<Self> {
        let at = format!("/{name}");
        reject_private_fields(body, "")?;
        reject_private_fields(body.get(name).unwrap_or(&Value::Null), &at)?;
        match body.get(name) {
            Some(Value::Object(fields)) => Ok(Self { at, fields: fields.clone(), wrong: Vec::new() }),
            _ => Err(Error::Unprocessable(vec![(at, format!("Send an object called {name} with the fields inside."))])),
        }
    }

    /// The fields of the object `name` in the body, or at its top level if it has one of `names` there: some clients
    /// omit the object around them.
    pub fn from_object_or_body(body: &Value, name: &str, names: &[&str]) -> Result<Self> {
        if body.get(name).is_none() && names.iter().any(|name| body.get(name).is_some()) {
            reject_private_fields(body, "")?;
            return Ok(Self::from_body(body));
        }
        Self::from_object(body, name)
    }

    /// The fields at the top level of the body.
    pub fn from_body(body: &Value) -> Self {
        Self { fields: body.as_object().cloned().unwrap_or_default(), ..Self::default() }
    }

    /// Whether the field was sent, even as null.
    pub fn has<K>(&self, field: Field<K>) -> bool {
        self.fields.contains_key(field.name)
    }

    pub fn value<K>(&self, field: Field<K>) -> Option<&Value> {
        self.fields.get(field.name)
    }

    /// Length of the field as JSON, in characters.
    pub fn size_of<K>(&self, field: Field<K>) -> usize {
        self.fields.get(field.name).map_or(0, |value| value.to_string().chars().count())
    }

    /// Adds an error of a field, or of a part of it.
    pub fn add_error(&mut self, name: impl AsRef<str>, message: impl Into<String>) {
        let wrong = (format!("{}/{}", self.at, name.as_ref()), message.into());
        // A field may be read more than once.
        if !self.wrong.contains(&wrong) {
            self.wrong.push(wrong);
        }
    }

    /// A text; `None` if the field is absent, empty if it is null.
    pub fn text<K: TextKind>(&mut self, field: Field<K>) -> Option<String> {
        match self.fields.get(field.name)? {
            Value::Null => Some(String::new()),
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => {
                self.add_error(field, "Send a text.");
                None
            }
        }
    }

    pub fn nonempty_text<K: TextKind>(&mut self, field: Field<K>) -> Option<String> {
        self.text(field).filter(|text| !text.trim().is_empty())
    }

    /// Replaces `current` by the text, unless the field is absent.
    pub fn replace_text<K: TextKind>(&mut self, field: Field<K>, current: &mut String) {
        if let Some(text) = self.text(field) {
            *current = text;
        }
    }

    /// A boolean; `None` if the field is absent or null.
    pub fn flag<K: FlagKind>(&mut self, field: Field<K>) -> Option<bool> {
        match self.fields.get(field.name)? {
            Value::Null => None,
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) if matches!(number.as_u64(), Some(0 | 1)) => Some(number.as_u64() == Some(1)),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "t" | "1" => Some(true),
                "false" | "f" | "0" | "" => Some(false),
                _ => {
                    self.add_error(field, "Send true or false.");
                    None
                }
            },
            _ => {
                self.add_error(field, "Send true or false.");
                None
            }
        }
    }

    /// A list of texts, or one text; `None` if the field is absent or null.
    pub fn list<K: ListKind>(&mut self, field: Field<K>) -> Option<Vec<String>> {
        let texts = match self.fields.get(field.name)? {
            Value::Null => return None,
            Value::String(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(parts.map(str::to_owned).collect())
            }
            // Clients send back whole objects of earlier responses; only their id counts.
            Value::Array(items) => {
                let text = |item: &Value| item.get("id").unwrap_or(item).as_str().map(str::to_owned);
                items.iter().map(text).collect()
            }
            _ => None,
        };
        if texts.is_none() {
            self.add_error(field, "Send a list of texts.");
        }
        texts
    }

    /// A text for each name, empty for null; `None` if the field is absent or null.
    pub fn map<K: MapKind>(&mut self, field: Field<K>) -> Option<BTreeMap<String, String>> {
        let texts = match self.fields.get(field.name)? {
            Value::Null => return None,
            Value::Object(fields) => {
                let named = |(key, value): (&String, &Value)| {
                    let text = if value.is_null() { Some("") } else { value.as_str() };
                    Some((key.clone(), text?.to_owned()))
                };
                fields.iter().map(named).collect()
            }
            _ => None,
        };
        if texts.is_none() {
            self.add_error(field, "Send an object with a text for each name.");
        }
        texts
    }

    /// An instant in any form of [`parse_any_instant`]; `None` if the field is absent or empty.
    pub fn instant(&mut self, field: Field<Instant>, zone: Tz) -> Option<DateTime<Utc>> {
        let text = self.nonempty_text(field)?;
        match parse_any_instant(&text, zone) {
            Ok(at) => Some(at),
            Err(message) => {
                self.add_error(field, message);
                None
            }
        }
    }

    /// Returns `parsed`, or all errors. `names` maps form fields to the API's names.
    pub fn finish<T>(mut self, parsed: Result<T, Invalid>, names: &[(&str, &str)]) -> Result<T> {
        match parsed {
            Ok(parsed) if self.wrong.is_empty() => return Ok(parsed),
            Ok(_) => {}
            Err(invalid) => {
                for (field, message) in invalid.iter() {
                    let ours = names.iter().find(|(theirs, _)| *theirs == field).map_or(field, |(_, ours)| ours);
                    let pointer = format!("{}/{}", self.at, ours.replace("component.", "components/"));
                    if !self.wrong.iter().any(|(other, _)| *other == pointer) {
                        self.wrong.push((pointer, message.to_owned()));
                    }
                }
            }
        }
        Err(Error::Unprocessable(self.wrong))
    }
}

/// Fields that may mean that something is not for visitors. Everything sent to the API is public, so ignoring such a
/// field would publish a secret.
const PRIVATE_FIELDS: [&str; 9] = [
    "visibility",
    "internal",
    "internal_note",
    "is_internal",
    "private",
    "is_private",
    "hidden",
    "publish_at",
    "publish_zone",
];

/// Rejects [`PRIVATE_FIELDS`] and fields about an embargo, unless they are null or false.
fn reject_private_fields(object: &Value, at: &str) -> Result<()> {
    let is_private = |name: &str| {
        let name = name.to_lowercase();
        PRIVATE_FIELDS.contains(&name.as_str()) || name.contains("embargo")
    };
    let fields = object.as_object().into_iter().flatten();
    let refused = fields.filter(|(name, value)| is_private(name) && !matches!(value, Value::Null | Value::Bool(false)));
    let message = "The API has no such field: all that is sent to it is public. Nothing was changed.";
    let refused: Vec<_> =
        refused.map(|(name, _)| (format!("{at}/{}", escape_pointer(name)), message.to_owned())).collect();
    if refused.is_empty() { Ok(()) } else { Err(Error::Unprocessable(refused)) }
}

/// Escapes a name for a JSON pointer (RFC 6901).
fn escape_pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// An instant for a form, in UTC, because a local hour may occur twice.
pub fn format_utc(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::api::request_body::{ComponentStatuses, Flag, Ids, Text};
    use serde_json::json;

    #[test]
    fn form_and_json_bodies_are_equivalent() {
        let form = "incident%5Bname%5D=Slow&incident[component_ids][]=a&incident[component_ids][]=b\
                    &incident[components][a]=partial_outage&incident[backfilled]=true&top=1";
        let meant = json!({
            "incident": {
                "name": "Slow", "component_ids": ["a", "b"], "components": { "a": "partial_outage" },
                "backfilled": "true",
            },
            "top": "1",
        });
        assert_eq!(parse_body(form.as_bytes()).unwrap(), meant);
        assert_eq!(parse_body(meant.to_string().as_bytes()).unwrap(), meant);
        assert_eq!(parse_body(b" \n").unwrap(), json!({}));
    }

    #[tokio::test]
    async fn multipart_form_is_like_a_form() {
        let kind = |kind: &str| HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
        let part = |name: &str, text: &str| format!("--x\r\ncontent-disposition: form-data; {name}\r\n\r\n{text}\r\n");
        let read = async |parts: String| {
            let bytes = Bytes::from(format!("{parts}--x--\r\n"));
            parse_request(&kind("Multipart/Form-Data; boundary=x"), &json!({}), &bytes).await
        };
        let parts = part("name=\"it[name]\"", "A\r\nb") + &part("name=\"it[ids][]\"", "1");
        assert_eq!(read(parts).await.unwrap(), json!({ "it": { "name": "A\r\nb", "ids": ["1"] } }));
        let json = parse_request(&kind("multipart/form-data; boundary=x"), &json!({}), &"{\"a\":1}".into()).await;
        assert_eq!(json.unwrap(), json!({ "a": 1 }), "JSON with a wrong type");
        let file = part("name=\"it[logo]\"; filename=\"a.png\"", "x");
        assert!(matches!(read(file).await, Err(Error::BadRequest(message)) if message == FILES_REJECTED));
        let broken = parse_request(&kind("multipart/form-data; boundary=x"), &json!({}), &"--x".into()).await;
        assert!(matches!(broken, Err(Error::BadRequest(_))));
        let none = parse_request(&kind("multipart/form-data"), &json!({}), &"--x--".into()).await;
        assert!(matches!(none, Err(Error::BadRequest(_))));
        let many = part("name=\"a\"", "x").repeat(form::MAX_FIELDS + 1);
        assert!(matches!(read(many).await, Err(Error::Unfit(_))));
    }

    #[tokio::test]
    async fn query_fills_fields_that_the_body_lacks() {
        let query = parse_query("it[name]=Query&it[status]=resolved&other=1&api_key=secret").unwrap();
        let read = async |body: &'static str| parse_request(&HeaderMap::new(), &query, &body.into()).await.unwrap();
        let all = json!({ "it": { "name": "Query", "status": "resolved" }, "other": "1" });
        assert_eq!(read("").await, all);
        let both = read(r#"{"it":{"name":"Body","status":null}}"#).await;
        assert_eq!(both, json!({ "it": { "name": "Body", "status": null }, "other": "1" }));
        assert_eq!(read("[1]").await, json!([1]));
        assert!(parse_query("a=%ff").is_err());
    }

    #[test]
    fn invalid_bodies_and_deep_nesting_are_rejected() {
        for bad in [&b"{"[..], b"[1", b"\xff", b"a=%ff"] {
            assert!(matches!(parse_body(bad), Err(Error::BadRequest(_))), "{bad:?}");
        }
        assert!(parse_body("[".repeat(100_000).as_bytes()).is_err());
        assert_eq!(parse_body(format!("a{}=1", "[b]".repeat(30)).as_bytes()).unwrap(), json!({}));
        assert!(parse_body(format!("a{}=1", "[b]".repeat(50)).as_bytes()).is_err());
    }

    #[test]
    fn private_fields_are_rejected() {
        for (body, pointer) in [
            (json!({ "it": { "visibility": "internal" } }), "/it/visibility"),
            (json!({ "it": { "Embargoed_until": "2026-12-01" } }), "/it/Embargoed_until"),
            (json!({ "it": { "private": true } }), "/it/private"),
            (json!({ "it": {}, "internal_note": "x" }), "/internal_note"),
            (json!({ "it": { "embargo/a": 1 } }), "/it/embargo~1a"),
        ] {
            let Err(Error::Unprocessable(wrong)) = Params::from_object(&body, "it") else { panic!("{body} is taken") };
            assert_eq!(wrong[0].0, pointer);
        }
        for body in [json!({ "it": { "visibility": null, "private": false, "name": "embargo" } }), json!({ "it": {} })]
        {
            assert!(Params::from_object(&body, "it").is_ok(), "{body}");
        }
    }

    #[test]
    fn number_of_body_values_is_limited() {
        let list = |count: usize| format!("[{}1]", "1,".repeat(count - 1));
        assert!(parse_body(list(MAX_VALUES).as_bytes()).is_ok());
        assert!(matches!(parse_body(list(MAX_VALUES + 1).as_bytes()), Err(Error::Unfit(_))));
        assert!(matches!(parse_body("{\"a\":{},".repeat(MAX_VALUES).as_bytes()), Err(Error::Unfit(_))));
        let text = json!({ "body": "\"a, b, [c], {d}\\".repeat(MAX_VALUES) });
        assert_eq!(parse_body(text.to_string().as_bytes()).unwrap(), text);
        assert!(matches!(parse_body("a=b&".repeat(1000).as_bytes()), Err(Error::Unfit(_))));
    }

    #[test]
    fn fields_parse_leniently_and_errors_have_pointers() {
        let body = json!({ "it": {
            "a": null, "b": "1", "c": [1], "d": { "x": 1 }, "e": 5, "f": "yes", "g": "x, y", "h": { "x": null },
        } });
        let mut given = Params::from_object(&body, "it").unwrap();
        let (text, flag) = (Field::<Text>::new, Field::<Flag>::new);
        let (list, map) = (Field::<Ids>::new, Field::<ComponentStatuses>::new);
        let texts = ["a", "e", "z"].map(|name| given.text(text(name)));
        assert_eq!(texts, [Some(String::new()), Some("5".into()), None]);
        assert_eq!(["b", "a", "f"].map(|name| given.flag(flag(name))), [Some(true), None, None]);
        assert_eq!((given.list(list("c")), given.map(map("d"))), (None, None));
        assert_eq!(given.list(list("g")), Some(vec!["x".into(), "y".into()]));
        assert_eq!(given.map(map("h")), Some(BTreeMap::from([("x".into(), String::new())])));
        let Err(Error::Unprocessable(wrong)) = given.finish(Ok(()), &[]) else { panic!("it is wrong") };
        let places: Vec<&str> = wrong.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(places, ["/it/f", "/it/c", "/it/d"]);
        assert!(matches!(Params::from_object(&body, "other"), Err(Error::Unprocessable(_))));
    }
}
