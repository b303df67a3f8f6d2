//! Events as a file: what is written of each page, in each format.

mod columns;
mod csv;
mod parquet;

use vigie_app::search::FieldView;
use vigie_domain::ports::Hit;
use vigie_domain::{Error, Result};

pub use columns::Columns;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// The events as they were sent, one JSON object a line.
    Ndjson,
    /// A line per event, a cell per field (RFC 4180).
    Csv,
    /// Columns of their own types.
    Parquet,
}

impl ExportFormat {
    /// The format of this name.
    ///
    /// # Errors
    /// `Invalid` when there is none.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "ndjson" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            "parquet" => Ok(Self::Parquet),
            _ => {
                let message = format!("\"{name}\" is no format of exports; use ndjson, csv or parquet");
                Err(Error::invalid_field("format", message))
            }
        }
    }

    /// How files of it end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// What its bytes are called in HTTP.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// Writes events, page after page.
pub enum EventWriter {
    /// With the columns of its cells, and whether their names were written.
    Csv {
        /// The cells.
        columns: Columns,
        /// Whether the first line was written.
        has_head: bool,
    },
    /// With the file under way.
    Parquet(Box<parquet::ParquetFile>),
}

impl EventWriter {
    /// A writer of these fields; none of NDJSON, whose lines the store writes.
    ///
    /// # Errors
    /// `Internal` when the file cannot be begun.
    pub fn new(format: ExportFormat, fields: Vec<FieldView>) -> Result<Option<Self>> {
        Ok(match format {
            ExportFormat::Ndjson => None,
            ExportFormat::Csv => Some(Self::Csv { columns: Columns::new(fields), has_head: false }),
            ExportFormat::Parquet => Some(Self::Parquet(Box::new(parquet::ParquetFile::new(Columns::new(fields))?))),
        })
    }

    /// The bytes of these events, and of those before that were not yet given.
    ///
    /// # Errors
    /// `Internal` when they cannot be written.
    pub fn page(&mut self, hits: Vec<Hit>) -> Result<Vec<u8>> {
        match self {
            Self::Csv { columns, has_head } => {
                let mut out = Vec::new();
                if !std::mem::replace(has_head, true) {
                    csv::head(columns, &mut out);
                }
                hits.iter().for_each(|hit| csv::line(columns, hit, &mut out));
                Ok(out)
            }
            Self::Parquet(file) => file.page(&hits),
        }
    }

    /// The last bytes.
    ///
    /// # Errors
    /// `Internal` when they cannot be written.
    pub fn end(self) -> Result<Vec<u8>> {
        match self {
            Self::Csv { columns, has_head: false } => {
                let mut out = Vec::new();
                csv::head(&columns, &mut out);
                Ok(out)
            }
            Self::Csv { .. } => Ok(Vec::new()),
            Self::Parquet(file) => file.end(),
        }
    }
}

#[cfg(test)]
mod tests;
