//! The OpenAPI document in the language of the page. `/openapi.json` is the contract, the same for every reader: its
//! summaries are in Indonesian and its descriptions in English.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::Language;
use crate::error::{CATALOGUE, Error, Result};
use crate::web::docs::openapi::{self, Endpoint};
use crate::web::pages::service::help;
use crate::web::state::Server;

pub fn document(server: &Server, language: Language) -> Result<Vec<u8>> {
    let endpoints = &server.documentation.endpoints;
    let required = server.auth.required;
    let contract = openapi::document(server.name, endpoints, required);
    let mut document = serde_json::to_value(&contract).map_err(Error::internal)?;
    let composed = composed(endpoints, required, language);
    translate(&mut document, &|text| match (composed.get(text), language) {
        (Some(text), _) => Some(text),
        (None, Language::Indonesian) => help::in_indonesian(text),
        (None, Language::English) => None,
    });
    serde_json::to_vec(&document).map_err(Error::internal)
}

/// The texts that the contract composes of sentences in both languages, in this language. A description need not repeat
/// the summary.
fn composed(endpoints: &[Endpoint], required: bool, language: Language) -> HashMap<String, String> {
    let mut texts = HashMap::new();
    for Endpoint { doc, .. } in endpoints {
        let summary = language.pick(&doc.summary);
        texts.insert(doc.summary.id.to_string(), summary.to_owned());
        texts.insert(doc.summary.en.to_string(), summary.to_owned());
        let who = openapi::who(doc.access, required);
        texts.insert(openapi::describe(doc, required), language.pick(&who).to_owned());
    }
    for code in CATALOGUE {
        let explained = openapi::explain(code);
        texts.insert(explained.en.to_string(), language.pick(&explained).to_owned());
    }
    texts
}

/// Replaces each paragraph of the summaries and descriptions that has a translation.
fn translate<'a>(value: &mut Value, translation: &impl Fn(&str) -> Option<&'a str>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| translate(item, translation)),
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "summary" || name == "description" => {
                        let paragraphs = text.split("\n\n");
                        let paragraphs = paragraphs.map(|paragraph| translation(paragraph).unwrap_or(paragraph));
                        *text = paragraphs.collect::<Vec<_>>().join("\n\n");
                    }
                    member => translate(member, translation),
                }
            }
        }
        _ => {}
    }
}
