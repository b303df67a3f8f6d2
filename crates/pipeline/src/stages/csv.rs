//! `csv`: takes a row of a table in a field apart.

use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::{Memory, Outcome, Stage};
use crate::parse::csv_row::RowScanner;
use crate::parse::number::typed_by_content;
use crate::tag;

/// Cells of a row.
const CELLS_MAX: usize = 1_000;

#[derive(Debug)]
struct Csv {
    field: FieldPath,
    columns: Vec<FieldPath>,
    target: Option<FieldPath>,
    separator: u8,
    skips_empty: bool,
    is_typed: bool,
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let field = options.field_or("field", "message")?;
    let target = options.field("target")?;
    let mut columns = options.fields("columns")?;
    if columns.len() > CELLS_MAX {
        return Err(options.error("columns", format!("{} are more than {CELLS_MAX}", columns.len())));
    }
    if let Some(target) = &target {
        let below: Result<Vec<_>, String> = columns.iter().map(|column| target.child(column.as_str())).collect();
        columns = below.map_err(|message| options.error("columns", message))?;
    }
    let separator = options.character("separator", ',')?;
    let Ok(separator) = u8::try_from(separator) else {
        return Err(options.error("separator", format!("{separator:?} is not ASCII; write for example \";\"")));
    };
    let stage = Csv {
        field,
        columns,
        target,
        separator,
        skips_empty: options.flag("skip_empty", false)?,
        is_typed: options.flag("typed", true)?,
    };
    Ok(Box::new(stage))
}

impl Stage for Csv {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let Some(text) = self.field.text(&event.body) else { return Outcome::Idle };
        let mut row = RowScanner::new(self.separator);
        if !row.scan(text.as_bytes()) || row.cell_count() > CELLS_MAX {
            return Outcome::Failed;
        }
        let text = text.to_owned();
        for (number, cell) in row.cells(&text).enumerate() {
            if cell.is_empty() && self.skips_empty {
                continue;
            }
            let value = if self.is_typed { typed_by_content(&cell) } else { Value::text(cell.as_ref()) };
            match self.columns.get(number) {
                Some(column) => column.put(&mut event.body, value),
                None => self.put_unnamed(event, number + 1, value),
            }
        }
        Outcome::Keep
    }

    fn failure_tag(&self) -> &'static str {
        tag::CSV_PARSE_FAILURE
    }
}

impl Csv {
    /// A cell beyond the named columns is `column7`, counted from 1.
    fn put_unnamed(&self, event: &mut Event, number: usize, value: Value) {
        let name = format!("column{number}");
        let path = match &self.target {
            Some(target) => target.child(&name),
            None => FieldPath::parse(&name),
        };
        if let Ok(path) = path {
            path.put(&mut event.body, value);
        }
    }
}
