//! The OpenAPI document: its paths come from the route table, its objects from `schemas.json`.

use axum::Json;
use serde_json::{Map, Value, json};

use super::routes;
use super::routes::{ApiRoute, Operation};
use crate::domain::Role;

const SCHEMAS: &str = include_str!("schemas.json");

/// `GET /v1/openapi.json`: needs no token.
pub async fn show() -> Json<Value> {
    Json(openapi_document())
}

fn openapi_document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for line in routes().table() {
        let path = paths.entry(line.path).or_insert_with(|| json!({ "parameters": path_parameters(line.path) }));
        path[line.method.as_str().to_ascii_lowercase()] = describe_operation(line);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Candor: management API",
            "version": "1",
            "description": "Every path also works with a .json suffix. Request bodies are JSON or forms; fields may \
                            also be in the query.",
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "apiKey", "in": "header", "name": "Authorization",
                    "description": "Bearer or OAuth, a space, and an API token",
                },
            },
            "schemas": serde_json::from_str(SCHEMAS).unwrap_or(Value::Null),
            "responses": error_responses(),
        },
    })
}

fn path_parameters(path: &str) -> Value {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter =
        |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } });
    names.map(parameter).collect()
}

fn describe_operation(line: &ApiRoute) -> Value {
    let Operation { summary, query, takes, status, gives } = line.operation;
    let scope = match line.role {
        Role::Viewer => "read",
        Role::Publisher => "publish",
        Role::Owner => "admin",
    };
    let mut parameters: Vec<Value> =
        query.iter().map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } })).collect();
    let writes = line.method != axum::http::Method::GET;
    if writes {
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "schema": schema }));
    }
    let mut operation = json!({
        "operationId": operation_id(line),
        "summary": summary,
        "description": format!("Scope: {scope}."),
        "parameters": parameters,
        "responses": operation_responses(status, gives, writes),
    });
    if let Some(schema) = takes {
        let content = json!({ "schema": request_body(schema, line.method == axum::http::Method::POST) });
        operation["requestBody"] = json!({
            "required": has_required_object(schema),
            "content": {
                "application/json": content,
                "application/x-www-form-urlencoded": content,
                "multipart/form-data": content,
            },
        });
    }
    operation
}

fn has_required_object(schema: &str) -> bool {
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or(Value::Null);
    schemas[schema]["required"].is_array()
}

/// The schema of a request body; a new object requires its name.
fn request_body(schema: &str, makes: bool) -> Value {
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or(Value::Null);
    let envelope = schemas[schema]["required"][0].as_str().unwrap_or_default();
    if schemas[schema]["properties"][envelope]["properties"]["name"].is_null() {
        return schema_reference(schema);
    }
    let needed = json!({ "properties": { envelope: { "required": ["name"] } } });
    if makes { json!({ "allOf": [schema_reference(schema), needed] }) } else { schema_reference(schema) }
}

fn operation_id(line: &ApiRoute) -> String {
    let path = line.path.trim_start_matches("/v1/").replace(['{', '}'], "").replace(['/', '-'], "_");
    format!("{}_{path}", line.method.as_str().to_ascii_lowercase())
}

fn operation_responses(status: u16, gives: Option<&str>, writes: bool) -> Value {
    let good = match gives {
        Some(schema) => json!({
            "description": "Done",
            "content": { "application/json": { "schema": list_or_object(schema) } },
        }),
        None => json!({ "description": "Done" }),
    };
    let mut answers = json!({ status.to_string(): good });
    let read: &[u16] = &[400, 401, 403, 404, 408, 422, 429, 500, 503];
    let write: &[u16] = &[409, 413];
    for status in read.iter().chain(write.iter().filter(|_| writes)) {
        answers[status.to_string()] = json!({ "$ref": format!("#/components/responses/{status}") });
    }
    answers
}

fn list_or_object(schema: &str) -> Value {
    match schema.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(name) => json!({ "type": "array", "items": schema_reference(name), "maxItems": most_items(name) }),
        None => schema_reference(schema),
    }
}

/// The longest list: subscribers are returned all at once, as at Statuspage.
fn most_items(schema: &str) -> u32 {
    if schema == "Subscriber" { 10_000 } else { 100 }
}

fn schema_reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// Error responses, each with both `error` and `message`.
fn error_responses() -> Value {
    let why = [
        ("400", "The request can't be parsed"),
        ("401", "Missing, invalid or expired token"),
        ("403", "Insufficient scope, or the token was sent unencrypted"),
        ("404", "Not found"),
        ("408", "Request timeout"),
        ("409", "Conflict"),
        ("413", "Request too large"),
        ("422", "Validation failed; `errors` points at each field"),
        ("429", "Rate limit exceeded; wait as long as `Retry-After` says"),
        ("500", "Internal server error"),
        ("503", "Temporarily unavailable; try again"),
    ];
    let response = |(status, description): (&str, &str)| {
        let content = json!({ "application/json": { "schema": schema_reference("Error") } });
        (status.to_owned(), json!({ "description": description, "content": content }))
    };
    why.into_iter().map(response).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_referenced_schema_is_defined() {
        let document = openapi_document();
        let text = document.to_string();
        let named = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        for name in named {
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        assert!(document["paths"].as_object().unwrap().len() > 20);
    }
}
