//! Lines of comma-separated values.
//!
//! Source: RFC 4180; OWASP, "CSV Injection", for texts that a spreadsheet would run as formulas.

use vigie_domain::Value;
use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::Hit;

use super::columns::{Columns, as_text};

/// Beginnings by which spreadsheets know a formula.
const FORMULA_BEGINNINGS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The names of the columns. `@timestamp` stays what readers know it by; other names are the senders', and may try to be formulas.
pub(super) fn head(columns: &Columns, out: &mut Vec<u8>) {
    let names = columns.fields().iter().map(|(name, _)| (name.clone(), name != pseudo_fields::TIMESTAMP));
    write(names, out);
}

/// The cells of an event.
pub(super) fn line(columns: &Columns, hit: &Hit, out: &mut Vec<u8>) {
    let cells = columns.values(hit).into_iter().map(|values| {
        let is_number = matches!(values.as_slice(), [Value::Int(_) | Value::Float(_) | Value::BigNumber(_)]);
        (as_text(&values).unwrap_or_default(), !is_number)
    });
    write(cells, out);
}

/// Cells, and whether each is text that must not be taken for a formula.
fn write(cells: impl Iterator<Item = (String, bool)>, out: &mut Vec<u8>) {
    for (place, (text, is_text)) in cells.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let is_formula = is_text && text.starts_with(FORMULA_BEGINNINGS);
        if is_formula || text.contains(['"', ',', '\n', '\r']) {
            out.push(b'"');
            out.extend(if is_formula { "'" } else { "" }.bytes());
            out.extend(text.replace('"', "\"\"").bytes());
            out.push(b'"');
        } else {
            out.extend(text.bytes());
        }
    }
    out.extend(b"\r\n");
}
