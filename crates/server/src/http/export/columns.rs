//! The fields that are written of each event, found by their canonical names wherever they were sent.

use std::collections::HashMap;

use vigie_app::search::FieldView;
use vigie_domain::event::{for_each_scalar, pseudo_fields};
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::ports::Hit;
use vigie_domain::{Text, Value};

/// The daily index that an event is in.
const INDEX: &str = "_index";

/// Fields in the order in which they are written.
pub struct Columns {
    fields: Vec<(String, FieldKind)>,
    places: HashMap<String, usize>,
}

impl Columns {
    /// These fields, each once.
    pub fn new(fields: Vec<FieldView>) -> Self {
        let mut columns = Self { fields: Vec::new(), places: HashMap::new() };
        for field in fields {
            if !columns.places.contains_key(&field.name) {
                columns.places.insert(field.name.clone(), columns.fields.len());
                columns.fields.push((field.name, field.kind));
            }
        }
        columns
    }

    /// Names and kinds.
    pub fn fields(&self) -> &[(String, FieldKind)] {
        &self.fields
    }

    /// The values of each field of an event.
    pub fn values(&self, hit: &Hit) -> Vec<Vec<Value>> {
        let mut values: Vec<Vec<Value>> = vec![Vec::new(); self.fields.len()];
        for (name, value) in &hit.source {
            for_each_scalar(name, value, &mut |path, scalar| {
                let canonical = mapping::canonical(path);
                if let Some(place) = self.places.get(canonical).filter(|_| !is_of_the_event(canonical)) {
                    values[*place].push(scalar.clone());
                }
            });
        }
        let text = |text: String| vec![Value::Text(Text::from(text))];
        for (name, place) in &self.places {
            match name.as_str() {
                pseudo_fields::TIMESTAMP => values[*place] = text(hit.position.timestamp.to_string()),
                pseudo_fields::INGESTED_AT => values[*place] = text(hit.ingested_at.to_string()),
                pseudo_fields::ID => values[*place] = text(hit.id.0.clone()),
                pseudo_fields::LOG_TYPE => values[*place] = text(hit.log_type.to_string()),
                INDEX => values[*place] = text(hit.position.timestamp.day().index_name()),
                _ => {}
            }
        }
        values
    }
}

/// Whether the field is read from the event itself.
fn is_of_the_event(canonical: &str) -> bool {
    pseudo_fields::is_pseudo(canonical) || canonical == INDEX
}

/// Values as one text: a single one as it is, several as a list of JSON; `None` without any.
pub(super) fn as_text(values: &[Value]) -> Option<String> {
    match values {
        [] | [Value::Null] => None,
        [Value::Text(text)] => Some(text.to_string()),
        [value] => Some(value.to_json().to_string()),
        several => Some(serde_json::Value::Array(several.iter().map(Value::to_json).collect()).to_string()),
    }
}
