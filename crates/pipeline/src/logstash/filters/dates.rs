//! `date`: Joda's letters are those of Vigie's stage.

use toml::Value as Toml;

use super::{Plan, failure_tags};
use crate::logstash::attributes::Attributes;
use crate::logstash::stage::{Planned, Touched, list};
use crate::logstash::translate::Translator;

const TIMESTAMP: &str = "@timestamp";
/// Forms that are instants by themselves.
const INSTANTS: [&str; 3] = ["ISO8601", "UNIX", "UNIX_MS"];

pub(super) fn date(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let mut written = attributes.texts("match").into_iter();
    let at = attributes.place_of("match");
    let Some(field) = written.next() else {
        translator.report.left(at, Some("match"), "there is no field; write match => [\"timestamp\", \"ISO8601\"]");
        return None;
    };
    let field =
        translator.names.field(&field).map_err(|reason| translator.report.left(at, Some("match"), reason)).ok()?;
    let place = attributes.at().place;
    let stage = |formats: Vec<String>| {
        Planned::new(place, "date", "date", Touched::Any).with("field", field.as_str()).with("formats", list(formats))
    };
    let mut formats = Vec::new();
    for format in written {
        match stage(vec![format.clone()]).check() {
            Ok(()) => formats.push(format),
            Err(error) => translator.report.left(at, Some("match"), error.message),
        }
    }
    if formats.is_empty() {
        translator.report.left(
            at,
            Some("match"),
            "none of its forms is known; write one such as \"yyyy-MM-dd HH:mm:ss\" or \"ISO8601\"",
        );
        return None;
    }
    let target =
        attributes.field("target", &translator.names, &mut translator.report).filter(|target| target != TIMESTAMP);
    let timezone = timezone(translator, attributes, &formats);
    if let Some(locale) = attributes.text("locale").filter(|locale| !locale.to_ascii_lowercase().starts_with("en")) {
        let reason =
            format!("names of months and days are English here, not {locale:?}; numbers are read all the same");
        translator.report.left(attributes.place_of("locale"), Some("locale"), reason);
    }
    let mut stage = stage(formats);
    let changed = target.clone().unwrap_or_else(|| TIMESTAMP.to_owned());
    stage.touched = Touched::Fields(vec![changed, "tags".to_owned()]);
    let tags = failure_tags(attributes, "_dateparsefailure");
    let stage = stage.with_some("target", target).with_some("timezone", timezone).with_some("tag_on_failure", tags);
    Some(Plan::one(stage))
}

/// The zone of forms without one; Vigie's own is UTC, Logstash's that of its machine.
fn timezone(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>, formats: &[String]) -> Option<Toml> {
    match attributes.text("timezone") {
        Some(zone) if zone.contains("%{") => {
            let reason = "the zone is one for all events; use one date stage with a when for each zone";
            translator.report.left(attributes.place_of("timezone"), Some("timezone"), reason);
            None
        }
        Some(zone) => Some(Toml::String(zone)),
        None => {
            let has_zone =
                |format: &String| INSTANTS.contains(&format.as_str()) || without_quoted(format).contains(['Z', 'z']);
            if !formats.iter().all(has_zone) {
                let reason = "a form without a zone is read as UTC here, as the time of its machine by Logstash; add timezone = \"Europe/Paris\"";
                translator.report.note(attributes.place_of("match"), Some("match"), reason);
            }
            None
        }
    }
}

/// The letters outside of quotes.
fn without_quoted(format: &str) -> String {
    format.split('\'').step_by(2).collect()
}
