//! The formats that can be read, each with how it is recognised and opened. A new one is one file and one line here.

use std::fmt;
use std::str::FromStr;

use crate::detect::Head;
use crate::error::DecodeError;
use crate::options::DecodeOptions;
use crate::parse::{
    Bytes, RecordReader, access_log, cef, csv, joined, json_documents, log4j, logfmt, ndjson, nginx_error, parquet,
    plain, syslog, w3c,
};

/// How records are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// One JSON list of objects.
    JsonArray,
    /// JSON objects over several lines.
    Json,
    /// A table with a header row, cells between commas, semicolons or bars.
    Csv,
    /// A table with a header row, cells between tabs.
    Tsv,
    /// Apache and nginx, common or combined.
    AccessLog,
    /// `key=value` pairs.
    Logfmt,
    /// RFC 5424 and RFC 3164.
    Syslog,
    /// What nginx writes about failures.
    NginxError,
    /// ArcSight's Common Event Format.
    Cef,
    /// W3C Extended Log File Format, as IIS and CloudFront write it.
    W3c,
    /// Date, level, thread, logger and message, as loggers of Java, Python and PHP write them.
    Log4j,
    /// Columns, as data platforms write them.
    Parquet,
    /// Lines of text.
    Plain,
}

impl Format {
    /// Its name in the API, on the command line and of its sample folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::JsonArray => "json_array",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::AccessLog => "access_log",
            Self::Logfmt => "logfmt",
            Self::Syslog => "syslog",
            Self::NginxError => "nginx_error",
            Self::Cef => "cef",
            Self::W3c => "w3c",
            Self::Log4j => "log4j",
            Self::Parquet => "parquet",
            Self::Plain => "plain",
        }
    }

    /// How it is recognised and opened.
    pub(crate) fn spec(self) -> &'static FormatSpec {
        FORMATS.iter().find(|spec| spec.format == self).unwrap_or(&FORMATS[FORMATS.len() - 1])
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no format; use ndjson, json_array, json, csv, tsv, access_log, logfmt, syslog, nginx_error, \
     cef, w3c, log4j, parquet or plain"
)]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let folded = text.trim().to_ascii_lowercase();
        FORMATS
            .iter()
            .map(|spec| spec.format)
            .find(|format| format.as_str() == folded)
            .ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// One entry of the registry.
pub struct FormatSpec {
    /// Which format it is.
    pub format: Format,
    /// Endings of file names, which decide between formats that are equally sure.
    pub extensions: &'static [&'static str],
    /// How sure it is that a file with this beginning has the format; 0 is no.
    pub(crate) score: fn(&Head<'_>) -> u8,
    /// Opens unpacked bytes that have the format.
    pub(crate) open: Open,
}

/// Opens unpacked bytes, of which the head is the beginning.
type Open = for<'a> fn(Bytes<'a>, &Head<'_>, &DecodeOptions) -> Result<Box<dyn RecordReader + 'a>, DecodeError>;

/// Every format. Of equally sure ones without a telling extension, the last wins.
pub static FORMATS: &[FormatSpec] = &[
    FormatSpec {
        format: Format::Parquet,
        extensions: &["parquet", "pq"],
        score: parquet::score,
        open: |input, _, options| Ok(Box::new(parquet::ParquetReader::from_stream(input, options)?)),
    },
    FormatSpec {
        format: Format::Ndjson,
        extensions: &["ndjson", "jsonl", "json"],
        score: ndjson::score,
        open: |input, _, options| Ok(Box::new(ndjson::NdjsonReader::new(input, options.record_bytes_max))),
    },
    FormatSpec {
        format: Format::JsonArray,
        extensions: &["json"],
        score: json_documents::list_score,
        open: |input, _, options| {
            Ok(Box::new(json_documents::DocumentReader::of_list(input, options.record_bytes_max)))
        },
    },
    FormatSpec {
        format: Format::Json,
        extensions: &["json"],
        score: json_documents::object_score,
        open: |input, _, options| {
            Ok(Box::new(json_documents::DocumentReader::of_documents(input, options.record_bytes_max)))
        },
    },
    FormatSpec {
        format: Format::AccessLog,
        extensions: &["log"],
        score: access_log::score,
        open: |input, _, options| {
            Ok(Box::new(plain::TextLineReader::new(input, access_log::parse, options.record_bytes_max)))
        },
    },
    FormatSpec {
        format: Format::Logfmt,
        extensions: &["logfmt", "log"],
        score: logfmt::score,
        open: |input, _, options| {
            Ok(Box::new(plain::TextLineReader::new(input, logfmt::parse, options.record_bytes_max)))
        },
    },
    FormatSpec {
        format: Format::Syslog,
        extensions: &["log"],
        score: syslog::score,
        open: |input, _, options| {
            Ok(Box::new(plain::TextLineReader::new(input, syslog::parse, options.record_bytes_max)))
        },
    },
    FormatSpec {
        format: Format::NginxError,
        extensions: &["log"],
        score: nginx_error::score,
        open: |input, _, options| {
            Ok(Box::new(joined::JoinedReader::new(input, nginx_error::JOINING, options.record_bytes_max)))
        },
    },
    FormatSpec {
        format: Format::Cef,
        extensions: &["cef", "log"],
        score: cef::score,
        open: |input, _, options| Ok(Box::new(plain::TextLineReader::new(input, cef::parse, options.record_bytes_max))),
    },
    FormatSpec {
        format: Format::W3c,
        extensions: &["log"],
        score: w3c::score,
        open: |input, _, options| Ok(Box::new(w3c::W3cReader::new(input, options.record_bytes_max))),
    },
    FormatSpec {
        format: Format::Log4j,
        extensions: &["log"],
        score: log4j::score,
        open: |input, _, options| {
            Ok(Box::new(joined::JoinedReader::new(input, log4j::JOINING, options.record_bytes_max)))
        },
    },
    FormatSpec {
        format: Format::Tsv,
        extensions: &["tsv", "tab"],
        score: csv::tsv_score,
        open: |input, _, options| Ok(Box::new(csv::CsvReader::open(input, b'\t', options.record_bytes_max)?)),
    },
    FormatSpec {
        format: Format::Csv,
        extensions: &["csv"],
        score: csv::score,
        open: |input, head, options| {
            let delimiter = csv::find_delimiter(head);
            Ok(Box::new(csv::CsvReader::open(input, delimiter, options.record_bytes_max)?))
        },
    },
    FormatSpec {
        format: Format::Plain,
        extensions: &["txt", "log"],
        score: plain::score,
        open: |input, _, options| {
            Ok(Box::new(joined::JoinedReader::new(input, plain::JOINING, options.record_bytes_max)))
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_reads_its_own_name() {
        for spec in FORMATS {
            assert_eq!(spec.format.as_str().parse(), Ok(spec.format));
            assert_eq!(spec.format.spec().format, spec.format);
        }
        assert!("xml".parse::<Format>().is_err());
    }
}
