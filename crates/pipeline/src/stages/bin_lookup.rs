//! `bin_lookup`: what the leading digits of a card number tell: its scheme, and with a table of the shop's own the type, the
//! issuer and the country. Only the leading digits are read, which stay in masked numbers; nothing of the rest is kept.

use std::sync::Arc;

use vigie_domain::{Event, Object, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::template::plain;
use super::whereabouts::put;
use super::{Memory, Outcome, Stage};
use crate::enrich::cards::{BinTable, DIGITS_MAX, DIGITS_MIN, scheme_of};

#[derive(Debug)]
struct BinLookup {
    field: FieldPath,
    target: FieldPath,
    table: Option<Arc<BinTable>>,
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let (field, target) = (options.field_or("field", "card_bin")?, options.field_or("target", "card")?);
    let table = match options.text("table")? {
        None => None,
        Some(name) => {
            let text = options.lookups().table(&name).map_err(|message| options.error("table", message))?;
            let table =
                BinTable::read(&text).map_err(|message| options.error("table", format!("{name:?}: {message}")))?;
            Some(Arc::new(table))
        }
    };
    Ok(Box::new(BinLookup { field, target, table }))
}

/// The digits at the beginning, as many as are looked at; spaces and dashes between them do not count.
fn leading_digits(text: &str) -> String {
    let bare = text.trim_start().chars().filter(|c| !matches!(c, ' ' | '-'));
    bare.take_while(char::is_ascii_digit).take(DIGITS_MAX).collect()
}

impl Stage for BinLookup {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let Some(sent) = self.field.get(&event.body).filter(|value| **value != Value::Null) else {
            return Outcome::Idle;
        };
        let bin = leading_digits(&plain(sent));
        if bin.len() < DIGITS_MIN {
            return Outcome::Failed;
        }
        let known = self.table.as_ref().and_then(|table| table.find(&bin));
        let scheme = known.and_then(|known| known.scheme.clone()).or_else(|| scheme_of(&bin).map(str::to_owned));
        if known.is_none() && scheme.is_none() {
            return Outcome::Failed;
        }
        let of_table = known.map(|known| {
            [("type", &known.kind), ("issuer", &known.issuer), ("issuer_country", &known.country)]
                .into_iter()
                .filter_map(|(name, text)| Some((name.into(), Value::text(text.as_deref()?))))
                .collect::<Object>()
        });
        let mut fields: Object = vec![("bin".into(), Value::text(bin))];
        fields.extend(scheme.map(|scheme| ("scheme".into(), Value::text(scheme))));
        fields.extend(of_table.into_iter().flatten());
        put(event, &self.target, fields);
        Outcome::Keep
    }

    fn failure_tag(&self) -> &'static str {
        "_bin_lookup_failure"
    }
}
