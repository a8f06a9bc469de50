//! `/api/openapi.json`: its paths come from the table of public addresses, its schemas from the types of the documents.

use std::sync::LazyLock;

use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::history::{HistoryDocument, MAX_PAGE};
use super::incident::IncidentDocument;
use super::incident_flat::FlatIncident;
use super::showcase::Showcase;
use super::v2::{ComponentsDocument, IncidentsDocument, MaintenancesDocument, StatusDocument, Summary};
use crate::publish::address::{self, ListedAddress};
use crate::publish::feeds::JsonFeed;

/// The OpenAPI document; a test requests every address in it.
pub static OPENAPI: LazyLock<String> = LazyLock::new(|| openapi_document().to_string());

/// The body of every error response under `/api/`.
#[derive(JsonSchema)]
#[schemars(rename = "Error")]
#[expect(dead_code, reason = "only its schema is used")]
struct ErrorBody {
    error: String,
    message: String,
}

fn openapi_document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.contract = Contract::Serialize;
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let mut paths = Map::new();
    for address in address::listed_addresses() {
        if let Some(content) = response_content(address.path, &mut schemas) {
            let path = address.path.replace("ID", "{id}");
            paths.insert(path, json!({ "get": describe_operation(&address, &content, &mut schemas) }));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Public status API",
            "version": "2.0.0",
            "description": "Everything that anyone can read from this status page, without a key and from any origin. \
                            Times are in the page's time zone, with milliseconds.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas.take_definitions(true) },
    })
}

/// The content of a successful response by media type; none for what this document leaves out.
fn response_content(path: &str, schemas: &mut SchemaGenerator) -> Option<Value> {
    let (media_type, schema) = match path {
        "/api/v2/summary.json" => ("application/json", schemas.subschema_for::<Summary<'_>>()),
        "/api/v2/status.json" => ("application/json", schemas.subschema_for::<StatusDocument<'_>>()),
        "/api/v2/components.json" => ("application/json", schemas.subschema_for::<ComponentsDocument<'_>>()),
        "/api/v2/incidents.json" | "/api/v2/incidents/unresolved.json" => {
            ("application/json", schemas.subschema_for::<IncidentsDocument<'_>>())
        }
        "/api/v2/incidents/ID.json" => ("application/json", schemas.subschema_for::<IncidentDocument<'_>>()),
        "/incidents/ID.json" => ("application/json", schemas.subschema_for::<FlatIncident<'_>>()),
        "/history.json" => ("application/json", schemas.subschema_for::<HistoryDocument<'_>>()),
        "/uptime_showcase" => ("application/json", schemas.subschema_for::<Showcase<'_>>()),
        "/feed.json" => ("application/feed+json", schemas.subschema_for::<JsonFeed<'_>>()),
        path if path.starts_with("/api/v2/scheduled-maintenances") => {
            ("application/json", schemas.subschema_for::<MaintenancesDocument<'_>>())
        }
        "/history.atom" => ("application/atom+xml", schemas.subschema_for::<String>()),
        "/history.rss" => ("application/rss+xml", schemas.subschema_for::<String>()),
        "/maintenance.ics" => ("text/calendar", schemas.subschema_for::<String>()),
        "/badge.svg" | "/components/ID/badge.svg" => ("image/svg+xml", schemas.subschema_for::<String>()),
        _ => return None,
    };
    Some(json!({ media_type: { "schema": schema } }))
}

fn describe_operation(address: &ListedAddress, content: &Value, schemas: &mut SchemaGenerator) -> Value {
    let mut headers = json!({ "ETag": { "schema": { "type": "string" } } });
    if address::is_cross_origin(address.path) {
        headers["Access-Control-Allow-Origin"] = json!({ "schema": { "type": "string", "const": "*" } });
    }
    let mut responses = json!({
        "200": { "description": "The document as last published.", "headers": headers, "content": content },
        "304": { "description": "Not modified since the ETag in If-None-Match." },
    });
    let mut parameters: Vec<Value> = address.parameters.iter().map(|name| query_parameter(name)).collect();
    if address.path.contains("ID") {
        let schema = json!({ "type": "string", "pattern": "^[0-9A-Za-z_-]{1,40}$" });
        parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": schema }));
        responses["404"] = json!({ "description": "Not found." });
        if address.path.ends_with(".json") {
            let error = schemas.subschema_for::<ErrorBody>();
            responses["404"]["content"] = json!({ "application/json": { "schema": error } });
        }
    }
    json!({ "summary": address.summary, "parameters": parameters, "responses": responses })
}

fn query_parameter(name: &str) -> Value {
    let schema = match name {
        "page" => json!({ "type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 1 }),
        _ => json!({ "type": "string" }),
    };
    json!({ "name": name, "in": "query", "schema": schema })
}
