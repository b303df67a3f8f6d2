//! What `import` is told about files: the same words as flags and as parameters of the upload API.

use clap::Args;

use vigie_domain::LogType;

/// How files are to be read.
#[derive(Clone, Debug, Default, Args)]
pub struct ReadingArguments {
    /// Also take events whose own time is far in the past or in the future.
    #[arg(long)]
    pub any_time: bool,
    /// Store a file again although the same content was stored before.
    #[arg(long)]
    pub again: bool,
    /// Log type of every event: transaction, error, user_behavior, performance, fraud or other.
    #[arg(long = "type", value_name = "LOG_TYPE", value_parser = parse_log_type)]
    pub log_type: Option<LogType>,
    /// Columns and the fields they are, such as "InvoiceNo=transaction_id,UnitPrice=amount".
    #[arg(long, value_name = "COLUMN=field,…", value_delimiter = ',', value_parser = parse_mapping)]
    pub map: Vec<(String, String)>,
    /// Column that holds the event's own time.
    #[arg(long, value_name = "COLUMN")]
    pub time_field: Option<String>,
}

fn parse_log_type(text: &str) -> Result<LogType, String> {
    text.parse().map_err(|error: vigie_domain::log_type::UnknownLogType| error.to_string())
}

fn parse_mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, field)) if !column.trim().is_empty() && !field.trim().is_empty() => {
            Ok((column.trim().to_owned(), field.trim().to_owned()))
        }
        _ => Err(format!("\"{text}\" is no mapping; write COLUMN=field")),
    }
}

impl ReadingArguments {
    /// The parameters of the upload API.
    pub fn query_parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        let mut set = |name: &'static str, is_set: bool| {
            if is_set {
                parameters.push((name, "true".to_owned()));
            }
        };
        set("any_time", self.any_time);
        set("again", self.again);
        if let Some(log_type) = self.log_type {
            parameters.push(("log_type", log_type.to_string()));
        }
        if !self.map.is_empty() {
            let pairs: Vec<String> = self.map.iter().map(|(column, field)| format!("{column}={field}")).collect();
            parameters.push(("map", pairs.join(",")));
        }
        if let Some(column) = &self.time_field {
            parameters.push(("time_field", column.clone()));
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_name_both_sides() {
        assert_eq!(parse_mapping("Unit Price = amount"), Ok(("Unit Price".into(), "amount".into())));
        for text in ["", "a", "=b", "a="] {
            assert!(parse_mapping(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_become_parameters() {
        let reading = ReadingArguments {
            any_time: true,
            log_type: Some(LogType::Transaction),
            map: vec![("a".into(), "b".into()), ("c".into(), "d".into())],
            ..ReadingArguments::default()
        };
        let expected = [("any_time", "true".into()), ("log_type", "transaction".into()), ("map", "a=b,c=d".to_owned())];
        assert_eq!(reading.query_parameters(), expected);
    }
}
