//! The time range that a caller asks for, in any of the forms that people type.

use vigie_domain::error::ErrorDetail;
use vigie_domain::time::parse_expression;
use vigie_domain::{Error, Result, TimeRange, Timestamp};

/// What a caller said about time; `None` where nothing was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedRange {
    /// The first instant within.
    pub from: Option<String>,
    /// The first instant past it.
    pub to: Option<String>,
    /// What the caller calls the two.
    pub names: RangeNames,
}

/// What the ends of a range are called where it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RangeNames {
    /// `from` and `to`.
    #[default]
    FromTo,
    /// `date_from` and `date_to`, where `from` means something else.
    Dates,
    /// `start_date` and `end_date`.
    StartEnd,
}

impl RangeNames {
    const fn both(self) -> (&'static str, &'static str) {
        match self {
            Self::FromTo => ("from", "to"),
            Self::Dates => ("date_from", "date_to"),
            Self::StartEnd => ("start_date", "end_date"),
        }
    }
}

impl AskedRange {
    /// The range at `now`; a missing start is `default_ns` before the end, or the beginning of time without one.
    ///
    /// # Errors
    /// `Malformed` when a time cannot be read, `Invalid` when the range ends before it begins; the detail names the parameter.
    pub fn resolve(&self, now: Timestamp, default_ns: Option<i64>) -> Result<TimeRange> {
        let (from_name, to_name) = self.names.both();
        let to = match &self.to {
            Some(text) => read(to_name, text, now)?,
            None if default_ns.is_some() => now,
            None => Timestamp::MAX,
        };
        let from = match (&self.from, default_ns) {
            (Some(text), _) => read(from_name, text, now)?,
            (None, Some(length)) => to.saturating_add_nanos(-length),
            (None, None) => Timestamp::MIN,
        };
        if from > to {
            let message = format!(
                "the time range ends at {to}, before it begins at {from}; exchange \"{from_name}\" and \"{to_name}\""
            );
            return Err(Error::invalid_field(to_name, message));
        }
        Ok(TimeRange { from, to })
    }
}

fn read(parameter: &str, text: &str, now: Timestamp) -> Result<Timestamp> {
    parse_expression(text, now).map_err(|error| {
        let message = error.to_string();
        let detail = ErrorDetail { field: parameter.to_owned(), span: None, message: message.clone() };
        Error::malformed(format!("parameter \"{parameter}\": {message}")).with_detail(detail)
    })
}

#[cfg(test)]
mod tests {
    use vigie_domain::ErrorKind;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_442_645);
    const HOUR_NS: i64 = 3_600_000_000_000;

    fn asked(from: Option<&str>, to: Option<&str>) -> AskedRange {
        AskedRange { from: from.map(str::to_owned), to: to.map(str::to_owned), names: RangeNames::FromTo }
    }

    #[test]
    fn missing_ends_have_defaults() {
        let range = asked(None, None).resolve(NOW, Some(HOUR_NS)).unwrap();
        assert_eq!((range.to, range.length_nanos()), (NOW, HOUR_NS));
        assert_eq!(asked(None, None).resolve(NOW, None).unwrap(), TimeRange::ALL);
        let range = asked(Some("now-2h"), Some("now-1h")).resolve(NOW, None).unwrap();
        assert_eq!(range.length_nanos(), HOUR_NS);
    }

    #[test]
    fn wrong_ends_are_named() {
        let error = asked(Some("soon"), None).resolve(NOW, None).unwrap_err();
        assert_eq!((error.kind, error.details[0].field.as_str()), (ErrorKind::Malformed, "from"));
        let error = asked(Some("now"), Some("now-1h")).resolve(NOW, None).unwrap_err();
        assert_eq!((error.kind, error.details[0].field.as_str()), (ErrorKind::Invalid, "to"));
        let dates = AskedRange { names: RangeNames::Dates, ..asked(Some("soon"), None) };
        assert_eq!(dates.resolve(NOW, None).unwrap_err().details[0].field, "date_from");
        let dates = AskedRange { names: RangeNames::Dates, ..asked(Some("now"), Some("now-1h")) };
        let error = dates.resolve(NOW, None).unwrap_err();
        assert_eq!(error.details[0].field, "date_to");
        assert!(error.message.contains("exchange \"date_from\" and \"date_to\""), "{error}");
    }
}
