//! The OpenAPI document: its paths come from the route table, its objects from the types of the requests and responses.

use std::sync::LazyLock;

use axum::Json;
use axum::http::Method;
use schemars::generate::{Contract, SchemaSettings};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::request_body::Place;
use super::routes;
use super::routes::{ApiRoute, GivenBody, Operation, TakenBody};
use crate::domain::Role;
use crate::web::error::ErrorBody;

static OPENAPI: LazyLock<Value> = LazyLock::new(openapi_document);

/// `GET /v1/openapi.json`: needs no token.
pub async fn show() -> Json<&'static Value> {
    Json(&OPENAPI)
}

fn openapi_document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.contract = Contract::Serialize;
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for line in routes().table() {
        let path = paths.entry(line.path).or_insert_with(|| json!({ "parameters": path_parameters(line.path) }));
        path[line.method.as_str().to_ascii_lowercase()] = describe_operation(line, &mut schemas);
    }
    let responses = error_responses(&mut schemas);
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
            "schemas": schemas.take_definitions(true),
            "responses": responses,
        },
    })
}

fn path_parameters(path: &str) -> Value {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter =
        |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } });
    names.map(parameter).collect()
}

fn describe_operation(line: &ApiRoute, schemas: &mut SchemaGenerator) -> Value {
    let Operation { summary, query, takes, status, gives } = line.operation;
    let scope = match line.role {
        Role::Viewer => "read",
        Role::Publisher => "publish",
        Role::Owner => "admin",
    };
    let mut parameters: Vec<Value> =
        query.iter().map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } })).collect();
    let writes = line.method != Method::GET;
    if writes {
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "schema": schema }));
    }
    let mut operation = json!({
        "operationId": operation_id(line),
        "summary": summary,
        "description": format!("Scope: {scope}."),
        "parameters": parameters,
        "responses": operation_responses(status, &success_response(gives, schemas), writes),
    });
    if let Some(body) = takes {
        let content = json!({ "schema": request_schema(body, line.method == Method::POST, schemas) });
        operation["requestBody"] = json!({
            "required": matches!(body.place, Place::Object(_)),
            "content": {
                "application/json": content,
                "application/x-www-form-urlencoded": content,
                "multipart/form-data": content,
            },
        });
    }
    operation
}

/// The schema of a request body; a new object requires its name.
fn request_schema(body: TakenBody, creates: bool, schemas: &mut SchemaGenerator) -> Schema {
    let schema = (body.schema)(schemas);
    match body.place {
        Place::Object(name) if creates && body.has_name => {
            let needed = json!({ "properties": { name: { "required": ["name"] } } });
            json_schema!({ "allOf": [schema, needed] })
        }
        _ => schema,
    }
}

fn operation_id(line: &ApiRoute) -> String {
    let path = line.path.trim_start_matches("/v1/").replace(['{', '}'], "").replace(['/', '-'], "_");
    format!("{}_{path}", line.method.as_str().to_ascii_lowercase())
}

fn success_response(gives: GivenBody, schemas: &mut SchemaGenerator) -> Value {
    let schema = match gives {
        GivenBody::Empty => return json!({ "description": "Done" }),
        GivenBody::Object(schema) => schema(schemas),
        GivenBody::List(schema, most) => {
            json_schema!({ "type": "array", "items": schema(schemas), "maxItems": most })
        }
    };
    json!({ "description": "Done", "content": { "application/json": { "schema": schema } } })
}

fn operation_responses(status: u16, success: &Value, writes: bool) -> Value {
    let mut responses = json!({ status.to_string(): success });
    let read: &[u16] = &[400, 401, 403, 404, 408, 422, 429, 500, 503];
    let write: &[u16] = &[409, 413];
    for status in read.iter().chain(write.iter().filter(|_| writes)) {
        responses[status.to_string()] = json!({ "$ref": format!("#/components/responses/{status}") });
    }
    responses
}

/// Error responses, each with both `error` and `message`.
fn error_responses(schemas: &mut SchemaGenerator) -> Value {
    let schema = schemas.subschema_for::<ErrorBody<'_>>();
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
        let content = json!({ "application/json": { "schema": schema } });
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
