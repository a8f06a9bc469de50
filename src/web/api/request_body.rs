//! The fields of request bodies. Each is declared once, with its name, type and bound: readers name the declared
//! field, and the OpenAPI document describes it. A field that no reader names is dead code, which the compiler reports.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::domain::{Phase, Status};
use crate::publish::api::schema::{ImpactKey, maintenance_keys, text_values};

/// A field with its name; `K` is its kind.
pub struct Field<K> {
    pub name: &'static str,
    kind: PhantomData<fn() -> K>,
}

impl<K> Field<K> {
    pub const fn new(name: &'static str) -> Self {
        Self { name, kind: PhantomData }
    }
}

impl<K> Clone for Field<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Field<K> {}

impl<K> AsRef<str> for Field<K> {
    fn as_ref(&self) -> &str {
        self.name
    }
}

/// Where a body has its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    TopLevel,
    /// In the object of this name.
    Object(&'static str),
    /// In the object of this name, which may be missing or null.
    OptionalObject(&'static str),
}

/// A body that [`request_body!`] declares.
pub trait RequestBody: JsonSchema {
    const PLACE: Place;
    /// Whether it has a field `name`, which new objects need.
    const HAS_NAME: bool;
}

/// Declares a struct with a [`Field`] for each field that a reader reads, a constant of it, and its schema. Fields in
/// `beside` are at the top level, beside the object. Fields in `ignored` are only described. Fields in `undocumented`
/// are only read: names that other clients use.
macro_rules! request_body {
    (
        $(#[doc = $doc:literal])*
        $constant:ident: $type:ident = $place:expr => {
            $($field:ident $(as $name:literal)?: $kind:ty,)+
        }
        $(required { $($required:ident,)+ })?
        $(beside { $($beside:ident: $beside_kind:ty,)+ })?
        $(ignored { $($ignored:ident: $ignored_kind:ty,)+ })?
        $(undocumented { $($hidden:ident: $hidden_kind:ty,)+ })?
    ) => {
        $(#[doc = $doc])*
        pub struct $type {
            $(pub $field: $crate::web::api::request_body::Field<$kind>,)+
            $($(pub $beside: $crate::web::api::request_body::Field<$beside_kind>,)+)?
            $($(pub $hidden: $crate::web::api::request_body::Field<$hidden_kind>,)+)?
        }

        pub const $constant: $type = $type {
            $($field: $crate::web::api::request_body::Field::new(
                $crate::web::api::request_body::field_name!($field $($name)?)
            ),)+
            $($($beside: $crate::web::api::request_body::Field::new(stringify!($beside)),)+)?
            $($($hidden: $crate::web::api::request_body::Field::new(stringify!($hidden)),)+)?
        };

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($type)).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let fields = vec![
                    $((
                        $crate::web::api::request_body::field_name!($field $($name)?),
                        generator.subschema_for::<$kind>(),
                    ),)+
                    $($((stringify!($ignored), generator.subschema_for::<$ignored_kind>()),)+)?
                ];
                let beside = vec![$($((stringify!($beside), generator.subschema_for::<$beside_kind>()),)+)?];
                let required: &[&str] = &[$($(stringify!($required),)+)?];
                $crate::web::api::request_body::body_schema($place, fields, required, beside)
            }
        }

        impl $crate::web::api::request_body::RequestBody for $type {
            const PLACE: $crate::web::api::request_body::Place = $place;
            const HAS_NAME: bool = $crate::web::api::request_body::contains_name(&[$(stringify!($field),)+]);
        }
    };
}

macro_rules! field_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}

pub(super) use {field_name, request_body};

pub const fn contains_name(fields: &[&str]) -> bool {
    let mut at = 0;
    while at < fields.len() {
        if let b"name" = fields[at].as_bytes() {
            return true;
        }
        at += 1;
    }
    false
}

/// The schema of a body. Unknown fields are ignored, so it allows more properties.
pub fn body_schema(
    place: Place,
    fields: Vec<(&'static str, Schema)>,
    required: &[&str],
    beside: Vec<(&'static str, Schema)>,
) -> Schema {
    let properties = |fields: Vec<(&'static str, Schema)>| -> Map<String, Value> {
        fields.into_iter().map(|(name, schema)| (name.to_owned(), schema.to_value())).collect()
    };
    let mut object = json!({ "type": "object", "properties": properties(fields) });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    let (name, is_required) = match place {
        Place::TopLevel => return object.try_into().unwrap_or_default(),
        Place::Object(name) => (name, true),
        Place::OptionalObject(name) => (name, false),
    };
    if !is_required {
        object["type"] = json!(["object", "null"]);
    }
    let mut properties = properties(beside);
    properties.insert(name.to_owned(), object);
    let mut body = json_schema!({ "type": "object", "properties": properties });
    if is_required {
        body.insert("required".into(), json!([name]));
    }
    body
}

/// Kinds that are read as a text; a number counts as its digits, and null as an empty text.
pub trait TextKind {}
/// Kinds that are read as true or false, also as text or number.
pub trait FlagKind {}
/// Kinds that are read as a list of texts.
pub trait ListKind {}
/// Kinds that are read as a text for each name.
pub trait MapKind {}

impl<K: TextKind> TextKind for Option<K> {}
impl<K: FlagKind> FlagKind for Option<K> {}
impl<K: ListKind> ListKind for Option<K> {}
impl<K: MapKind> MapKind for Option<K> {}

/// A type that only has a schema.
macro_rules! schema_kinds {
    ($($(#[doc = $doc:literal])* $type:ident$(: $trait:ident)? = $schema:tt;)+) => {$(
        $(#[doc = $doc])*
        pub enum $type {}

        $(impl $trait for $type {})?

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

schema_kinds! {
    Flag: FlagKind = { "type": "boolean" };
    /// A flag that may not be set.
    ClearedFlag: FlagKind = { "enum": [false, null] };
    /// A text for SMS or access users, which Candor does not have.
    UnsupportedText: TextKind = { "type": "null" };
    Date: TextKind = { "type": "string", "format": "date" };
    Ids: ListKind = { "type": "array", "items": { "type": "string" } };
    NonEmptyIds: ListKind = { "type": "array", "items": { "type": "string" }, "minItems": 1 };
    /// Several ids, or one text.
    IdsOrText: ListKind = { "type": ["array", "string"], "items": { "type": "string" } };
    /// An object of objects, read as JSON.
    Metadata = { "type": "object", "additionalProperties": { "type": "object" } };
    /// Read as JSON.
    ReminderIntervals = {
        "type": ["string", "integer", "array", "null"],
        "items": { "type": "integer", "minimum": 1, "maximum": 24 },
        "description": "Null for 3, 6, 12, 24 hours and then daily, \"4\" for every four hours, \"[1, 5]\" for a list, \
                        \"[]\" for none.",
    };
}

/// A text of at most `MAX` characters; without a limit here if that is 0.
pub enum Text<const MAX: usize = 0> {}

impl<const MAX: usize> TextKind for Text<MAX> {}

impl<const MAX: usize> JsonSchema for Text<MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Text{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        if MAX == 0 { json_schema!({ "type": "string" }) } else { json_schema!({ "type": "string", "maxLength": MAX }) }
    }
}

/// One line of text. Its schema accepts less than the readers do, so that every text that matches it is valid.
pub enum Line {}

impl TextKind for Line {}

impl JsonSchema for Line {
    fn schema_name() -> Cow<'static, str> {
        "Line".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 100,
            "pattern": "^[ -~]*[!-~][ -~]*$",
            "description": "One line of text; any letters will do, control characters will not.",
        })
    }
}

/// An instant in any form of [`crate::domain::parse_time::parse_any_instant`].
pub enum Instant {}

impl TextKind for Instant {}

impl JsonSchema for Instant {
    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer", "null"],
            "description": "RFC 3339, RFC 2822, seconds or milliseconds since 1970, or forms like \
                            2026-12-08 10:00:00 -0500. In the page's time zone if it has no offset; a day is its \
                            midnight.",
        })
    }
}

/// The status of each component by its id.
pub enum ComponentStatuses {}

impl MapKind for ComponentStatuses {}
/// Older clients send a list of ids.
impl ListKind for ComponentStatuses {}

impl JsonSchema for ComponentStatuses {
    fn schema_name() -> Cow<'static, str> {
        "ComponentStatuses".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": generator.subschema_for::<Option<StatusOrBlankKey>>(),
        })
    }
}

text_values! {
    /// The status of a component, or an empty text for no status.
    StatusOrBlankKey = Status::ALL.into_iter().map(Status::key).chain([""]);
    /// A status that an incident or a maintenance can be set to.
    PhaseKey = Phase::ALL.into_iter().map(Phase::key).chain(maintenance_keys());
}

impl TextKind for ImpactKey {}
impl TextKind for StatusOrBlankKey {}
impl TextKind for PhaseKey {}

#[cfg(test)]
mod tests {
    use super::*;

    request_body! {
        /// A thing.
        THING: ThingChange = Place::Object("thing") => {
            name: Line,
            kind as "type": Option<Text<5>>,
        }
        required {
            name,
        }
        beside {
            note: Text,
        }
        ignored {
            colour: Option<Flag>,
        }
        undocumented {
            title: Text,
        }
    }

    #[test]
    fn body_schema_has_the_documented_fields() {
        let names = [THING.name.name, THING.kind.name, THING.note.name, THING.title.name];
        assert_eq!(names, ["name", "type", "note", "title"]);
        let has_name = ThingChange::HAS_NAME;
        assert!(has_name);
        let mut schema = SchemaGenerator::default().into_root_schema_for::<ThingChange>().to_value();
        schema.as_object_mut().unwrap().retain(|name, _| ["type", "required", "properties"].contains(&name.as_str()));
        let thing = json!({
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": { "$ref": "#/$defs/Line" },
                "type": { "type": ["string", "null"], "maxLength": 5 },
                "colour": { "type": ["boolean", "null"] },
            },
        });
        let properties = json!({ "thing": thing, "note": { "type": "string" } });
        assert_eq!(schema, json!({ "type": "object", "required": ["thing"], "properties": properties }));
    }
}
