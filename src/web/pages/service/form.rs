//! The form of a call: a field for each parameter and for each member of the body, made from their schemas.

use maud::{Markup, html};
use serde_json::{Map, Value};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::{RefOr, Required, Schema};

use super::help;
use crate::domain::Language;
use crate::web::docs::openapi::{Doc, Endpoint, Parameter};
use crate::web::pages::frame::{Say, code_spans};

/// A field with a longer description, in bytes, has a row of its own.
const MAX_NARROW_HELP: usize = 60;
/// A greater bound tells nobody anything.
const MAX_SAID: i64 = 1_000_000_000;

/// Where the value of a field goes in the request.
#[derive(Clone, Copy)]
enum Location {
    Path,
    Query,
    Header,
    Body,
}

impl Location {
    fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Body => "body",
        }
    }
}

enum Control {
    Text,
    /// A value that must be new for a new request.
    Key,
    Integer {
        min: Option<i64>,
        max: Option<i64>,
    },
    Boolean,
    Choice(Vec<String>),
    /// An array or an object.
    Json,
}

struct Field {
    name: String,
    location: Location,
    control: Control,
    is_required: bool,
    /// In English.
    description: String,
    /// The initial value; empty if there is none.
    value: String,
}

/// The form of an endpoint. Its module adds the button, the command for a terminal and the answer.
pub fn form(endpoint: &Endpoint, language: Language) -> Markup {
    let Endpoint { method, path, doc, .. } = endpoint;
    let say = Say(language);
    let parameters = || doc.parameters().iter().map(|parameter| parameter_field(parameter, doc));
    let headers: Vec<_> = parameters().filter(|field| matches!(field.location, Location::Header)).collect();
    let address: Vec<_> = parameters().filter(|field| !matches!(field.location, Location::Header)).collect();
    let body = doc.body().map(|(schema, example, is_required)| Body::new(schema, example, is_required, doc));
    html! {
        form.ask data-method=(method) data-path=(path) data-stream[doc.is_stream()] {
            (fields(&address, language))
            @if let Some(body) = &body {
                fieldset.fields data-members data-required[body.is_required] aria-label=(say.of("Isi permintaan", "Body")) {
                    @for field in &body.fields { (show(field, language)) }
                }
            }
            (fields(&headers, language))
            @if let Some(body) = &body {
                details.raw {
                    summary { (say.of("Tulis JSON sendiri", "Write the JSON yourself")) }
                    textarea.input.mono rows="7" aria-label="JSON" {}
                    @if body.outlines.len() > 1 {
                        p.help {
                            (say.of("Bentuk yang diterima:", "Forms that are accepted:"))
                            @for outline in &body.outlines { " " code { (outline) } }
                        }
                    }
                }
            }
        }
    }
}

fn fields(fields: &[Field], language: Language) -> Markup {
    html! {
        @if !fields.is_empty() {
            div.fields { @for field in fields { (show(field, language)) } }
        }
    }
}

/// A field. Its module gives it the ids that tie its label and its help to it.
fn show(field: &Field, language: Language) -> Markup {
    let say = Say(language);
    let Field { name, location, control, is_required, description, value } = field;
    let is_raw = matches!(control, Control::Integer { .. } | Control::Boolean | Control::Json);
    let (from, raw) = (location.name(), is_raw && matches!(location, Location::Body));
    let is_wide = matches!(control, Control::Key | Control::Json) || description.len() > MAX_NARROW_HELP;
    let value = (!value.is_empty()).then_some(value);
    html! {
        div.field.wide[is_wide] {
            label { (name) @if *is_required { " " span.req aria-hidden="true" { (say.of("wajib", "required")) } } }
            @match control {
                Control::Text => {
                    input.input name=(name) data-in=(from) value=[value] required[*is_required];
                }
                Control::Key => {
                    div.row.nowrap {
                        input.input.mono name=(name) data-in=(from) value=[value] required[*is_required];
                        button.btn type="button" data-new-key { (say.of("Baru", "New")) }
                    }
                }
                Control::Integer { .. } => {
                    input.input.num inputmode="numeric" name=(name) data-in=(from) data-raw[raw] value=[value] required[*is_required];
                }
                Control::Boolean => (select(&["true".to_owned(), "false".to_owned()], field, raw)),
                Control::Choice(choices) => (select(choices, field, raw)),
                Control::Json => {
                    textarea.input.mono name=(name) data-in=(from) data-raw[raw] rows="3" required[*is_required] { @if let Some(value) = value { (value) } }
                }
            }
            @if let Some(help) = help(control, description, language) { span.help { (help) } }
        }
    }
}

fn select(choices: &[String], field: &Field, raw: bool) -> Markup {
    html! {
        select.input name=(field.name) data-in=(field.location.name()) data-raw[raw] required[field.is_required] {
            @if !field.is_required { option value="" { "" } }
            @for choice in choices { option selected[*choice == field.value] { (choice) } }
        }
    }
}

/// What is to be known of a field: its description, and its bounds.
fn help(control: &Control, description: &str, language: Language) -> Option<Markup> {
    let bounds = match control {
        Control::Integer { min: Some(min), max: Some(max) } if *max <= MAX_SAID => {
            let word = Say(language).of("sampai", "to");
            Some(format!("{} {word} {}.", grouped(*min, language), grouped(*max, language)))
        }
        _ => None,
    };
    let sentence = match language {
        Language::Indonesian => help::in_indonesian(description),
        Language::English => Some(description),
    };
    if description.is_empty() && bounds.is_none() {
        return None;
    }
    Some(html! {
        @match sentence {
            Some(sentence) => (code_spans(sentence)),
            None if description.is_empty() => {}
            None => span lang="en" { (code_spans(description)) },
        }
        @if let Some(bounds) = bounds { " " (bounds) }
    })
}

/// A number with its digits in groups of three.
fn grouped(number: i64, language: Language) -> String {
    let digits = number.unsigned_abs().to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", groups.join(Say(language).of(".", ",")))
}

fn parameter_field(parameter: &Parameter, doc: &Doc) -> Field {
    let described = &parameter.schema;
    let schema = described.schema.as_ref().map(value).unwrap_or_default();
    let location = match described.parameter_in {
        ParameterIn::Path => Location::Path,
        ParameterIn::Header => Location::Header,
        _ => Location::Query,
    };
    let is_key = schema["format"] == "uuid" || described.name == "Idempotency-Key";
    Field {
        name: described.name.clone(),
        location,
        control: if is_key { Control::Key } else { control(&schema, doc) },
        is_required: described.required == Required::True,
        description: described.description.clone().unwrap_or_else(|| description(&schema, doc)),
        value: parameter.example.to_owned(),
    }
}

/// The fields of the form of the body that its example has.
struct Body {
    fields: Vec<Field>,
    is_required: bool,
    /// All forms that the body may have, in short.
    outlines: Vec<String>,
}

impl Body {
    fn new(schema: &RefOr<Schema>, example: &Value, is_required: bool, doc: &Doc) -> Self {
        let forms = body_forms(&value(schema), doc);
        let form = forms.iter().find(|form| fits(form, example)).or(forms.first());
        let fields = form.map(|form| members(form, example, doc)).unwrap_or_default();
        Self { fields, is_required, outlines: forms.iter().map(outline).collect() }
    }
}

fn members(form: &Map<String, Value>, example: &Value, doc: &Doc) -> Vec<Field> {
    let properties = form.get("properties").and_then(Value::as_object);
    let required = form.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let member = |(name, schema): (&String, &Value)| Field {
        name: name.clone(),
        location: Location::Body,
        control: control(schema, doc),
        is_required: required.iter().any(|one| one == name),
        description: description(schema, doc),
        value: match &example[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
    };
    properties.into_iter().flatten().map(member).collect()
}

/// The objects that a body may be: one, or several forms.
fn body_forms(schema: &Value, doc: &Doc) -> Vec<Map<String, Value>> {
    let schema = resolved(schema, doc);
    let forms = match schema["oneOf"].as_array() {
        Some(forms) => forms.iter().map(|form| resolved(form, doc)).collect(),
        None => vec![schema],
    };
    forms.into_iter().filter_map(|form| form.as_object().cloned()).collect()
}

/// Whether a form has all members of the example.
fn fits(form: &Map<String, Value>, example: &Value) -> bool {
    let properties = form.get("properties").and_then(Value::as_object);
    let mut names = example.as_object().into_iter().flat_map(Map::keys);
    names.all(|name| properties.is_some_and(|properties| properties.contains_key(name)))
}

/// The members of a form in short: `{user_id, items}`.
fn outline(form: &Map<String, Value>) -> String {
    let properties = form.get("properties").and_then(Value::as_object);
    let required = form.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mark = |name: &String| if required.iter().any(|one| one == name) { name.clone() } else { format!("{name}?") };
    format!("{{{}}}", properties.into_iter().flat_map(Map::keys).map(mark).collect::<Vec<_>>().join(", "))
}

fn control(schema: &Value, doc: &Doc) -> Control {
    let schema = resolved(schema, doc);
    if let Some(choices) = schema["oneOf"].as_array() {
        let simple = choices.iter().find(|choice| resolved(choice, doc)["type"] != "null");
        return simple.map_or(Control::Json, |simple| control(simple, doc));
    }
    if let Some(choices) = schema["enum"].as_array() {
        return Control::Choice(choices.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    // `["string", "null"]`: what may be absent may be null too.
    let kind = schema["type"].as_array().and_then(|kinds| kinds.first()).unwrap_or(&schema["type"]);
    match kind.as_str() {
        Some("string") => Control::Text,
        Some("integer") => Control::Integer {
            min: schema["minimum"].as_i64(),
            // That a number fits into 64 bits need not be said.
            max: schema["maximum"].as_i64().filter(|max| *max < i64::MAX),
        },
        Some("boolean") => Control::Boolean,
        _ => Control::Json,
    }
}

/// The description beside a reference, else the one of what it refers to.
fn description(schema: &Value, doc: &Doc) -> String {
    let candidates = schema["oneOf"].as_array().map_or_else(|| vec![schema], |choices| choices.iter().collect());
    let own = candidates.iter().find_map(|choice| choice["description"].as_str().map(str::to_owned));
    let theirs =
        || candidates.iter().find_map(|choice| resolved(choice, doc)["description"].as_str().map(str::to_owned));
    own.or_else(theirs).unwrap_or_default()
}

/// The schema that a reference refers to, or the schema itself.
fn resolved(schema: &Value, doc: &Doc) -> Value {
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    match name.and_then(|name| doc.schema(name)) {
        Some(found) => resolved(&value(found), doc),
        None => schema.clone(),
    }
}

/// A schema as JSON, which has one form for all kinds of schemas.
fn value(schema: &impl serde::Serialize) -> Value {
    // Text, numbers, lists and maps with text as keys: this can't fail.
    serde_json::to_value(schema).unwrap_or_default()
}
