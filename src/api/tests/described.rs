//! The OpenAPI file says what the routes do, both ways; and every answer is of the shape it promises.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ask_json;
use crate::api::request::Method;
use crate::api::routes::{OPENAPI, ROUTES};
use crate::api::{Peer, Request, answer};
use crate::scripted::ScriptedAgent;

fn described() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

#[test]
fn paths_verbs_and_parameters_are_the_same_on_both_sides() {
    let described = described();
    let mut written = BTreeSet::new();
    for (path, verbs) in described["paths"].as_object().unwrap() {
        for (verb, operation) in verbs.as_object().unwrap() {
            let of = |place: &str| -> BTreeSet<String> {
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                let there = parameters.iter().filter(|parameter| parameter["in"] == place);
                there.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
            };
            let segments: BTreeSet<String> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .map(str::to_owned)
                .collect();
            assert_eq!(of("path"), segments, "{path}");
            assert!(operation["summary"].as_str().unwrap().ends_with(['.', '`']), "{path} says what it does");
            written.insert((verb.to_uppercase(), path.clone(), of("query")));
        }
    }
    let routed: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| {
            let parameters = route.parameters.iter().map(|name| (*name).to_owned()).collect();
            (route.method.as_str().to_owned(), route.path.to_owned(), parameters)
        })
        .collect();
    assert_eq!(written, routed);
}

/// Everything in `value` that `schema` does not promise.
fn complaints(value: &Value, schema: &Value, all: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let named =
            all.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} is not there"));
        return complaints(value, named, all, at);
    }
    let mut found = Vec::new();
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => panic!("{at}: no type in {schema}"),
    };
    let whole_number = kind == "integer" && types.contains(&"number");
    if !types.contains(&kind) && !whole_number {
        found.push(format!("{at}: {kind} is none of {types:?}"));
    }
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is none of {words:?}"));
    }
    if schema.get("const").is_some_and(|word| word != value) {
        found.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(complaints(item, &schema["items"], all, &format!("{at}[{index}]")));
    }
    if let Some(object) = value.as_object() {
        found.extend(object_complaints(object, schema, all, at));
    }
    found
}

fn object_complaints(object: &serde_json::Map<String, Value>, schema: &Value, all: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(required) {
            found.push(format!("{at}: {required} is missing"));
        }
    }
    for (key, value) in object {
        let inner = schema["properties"].get(key).or_else(|| schema.get("additionalProperties"));
        match inner {
            Some(inner) if inner.is_object() => found.extend(complaints(value, inner, all, &format!("{at}.{key}"))),
            _ if schema.get("properties").is_none() => {}
            _ => found.push(format!("{at}: {key} is not described")),
        }
    }
    found
}

#[tokio::test]
async fn every_json_answer_is_of_its_described_shape() {
    let (agent, all) = (ScriptedAgent::new(), described());
    let fill = |path: &str| path.replace("{project}", "athena").replace("{key}", "host.mode");
    let mut checked = 0;
    for route in ROUTES.iter().filter(|route| route.method == Method::Get) {
        let content = &all["paths"][route.path]["get"]["responses"]["200"]["content"];
        let Some(schema) = content.get("application/json").map(|json| &json["schema"]) else { continue };
        let whats =
            ["host", "athena", "athena/postgres", "tier:ssd", "tier-low-space", "aaaaaa111111", "hostkeeper_up"];
        let targets: Vec<String> = match route.path {
            "/v1/explain" => whats.iter().map(|what| format!("/v1/explain?what={what}")).collect(),
            path => vec![fill(path)],
        };
        for target in targets {
            let value = ask_json(&agent, &target).await;
            assert_eq!(complaints(&value, schema, &all, &target), Vec::<String>::new());
            checked += 1;
        }
    }
    assert!(checked > 18, "{checked}");
}

#[tokio::test]
async fn orders_and_refusals_are_of_their_described_shape() {
    let (agent, all) = (ScriptedAgent::new(), described());
    let body = json!({"plan": "5f0c2a91b7de", "steps": ["aaaaaa111111"]});
    let apply = &all["paths"]["/v1/apply"]["post"];
    let taken = &apply["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(complaints(&body, taken, &all, "body"), Vec::<String>::new());
    let done = answer(&agent, &Request::post("/v1/apply", &body), &Peer::in_process()).await;
    let schema = &apply["responses"]["200"]["content"]["application/json"]["schema"];
    let value: Value = serde_json::from_slice(&done.body).unwrap();
    assert_eq!(complaints(&value, schema, &all, "done"), Vec::<String>::new());
    let refused = answer(&agent, &Request::get("/v1/nothing"), &Peer::in_process()).await;
    let value: Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(complaints(&value, &json!({"$ref": "#/components/schemas/Error"}), &all, "error"), Vec::<String>::new());
}
