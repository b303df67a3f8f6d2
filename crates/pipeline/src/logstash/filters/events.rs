//! `drop`, `clone`, `split`, `prune`: how many events come of one, and what is left of them.

use toml::Value as Toml;
use vigie_domain::query::Query;

use super::{Plan, Success};
use crate::logstash::attributes::Attributes;
use crate::logstash::question::or;
use crate::logstash::stage::{Planned, Touched, list};
use crate::logstash::translate::Translator;

pub(super) fn drop(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let at = attributes.at();
    let percentage: f64 = attributes.text("percentage").and_then(|text| text.parse().ok()).unwrap_or(100.0);
    if percentage >= 100.0 {
        return Some(Plan::of(
            vec![Planned::new(at.place, "drop", "drop", Touched::Fields(Vec::new()))],
            Success::Nothing,
        ));
    }
    if percentage <= 0.0 {
        translator.report.note(at, Some("percentage"), "nothing is dropped, so it is left out");
        return None;
    }
    let one_in = 100.0 / (100.0 - percentage);
    let is_whole = (one_in - one_in.round()).abs() < 1e-9;
    let whole = one_in.round().max(2.0) as i64;
    if !is_whole {
        let reason = format!(
            "one in so many events is kept, which is not {percentage} % dropped; sample with one_in = {whole} is nearest"
        );
        translator.report.left(attributes.place_of("percentage"), Some("percentage"), reason);
        return None;
    }
    let reason = "which events are kept is told by what they hold, so that one that is sent again fares the same";
    translator.report.note(at, Some("percentage"), reason);
    let stage = Planned::new(at.place, "drop, percentage", "sample", Touched::Fields(Vec::new()));
    Some(Plan::of(vec![stage.with("one_in", whole)], Success::Nothing))
}

pub(super) fn clone(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let at = attributes.at();
    let names = attributes.texts("clones");
    if names.is_empty() {
        translator.report.left(at, Some("clones"), "there is no name; write clones => [\"audit\"]");
        return None;
    }
    translator.report.note(at, None, "each copy has its name in type, as Logstash has it without the common schema");
    let is_copy = names.iter().fold(Query::Nothing, |any, name| or(any, Query::equals("type", name.as_str())));
    let stage = Planned::new(at.place, "clone", "clone", Touched::Fields(vec!["type".to_owned()]));
    let stage = stage.with("names", list(names)).with("field", "type");
    // What the filter does on success, it does to copies alone.
    let has_common = ["add_field", "remove_field", "add_tag", "remove_tag"].iter().any(|name| attributes.has(name));
    if !has_common {
        return Some(Plan::of(vec![stage], Success::Nothing));
    }
    let mut copies = Planned::new(at.place, "clone, its copies", "tag", Touched::Fields(Vec::new()));
    copies.when = is_copy;
    Some(Plan::of(vec![stage, copies], Success::Last))
}

pub(super) fn split(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let place = attributes.at().place;
    let field =
        attributes.field("field", &translator.names, &mut translator.report).unwrap_or_else(|| "message".to_owned());
    let target = attributes.field("target", &translator.names, &mut translator.report);
    let terminator = attributes
        .text("terminator")
        .map_or_else(|| "\n".to_owned(), |text| text.replace("\\n", "\n").replace("\\t", "\t"));
    let touched = || {
        Touched::Fields([Some(field.clone()), target.clone(), Some("tags".to_owned())].into_iter().flatten().collect())
    };
    let apart = Planned::new(place, "split, terminator", "split", touched())
        .with("field", field.as_str())
        .with("separator", terminator)
        .with("tag_on_failure", Toml::Array(Vec::new()));
    let unnest = Planned::new(place, "split", "unnest", touched())
        .with("field", field.as_str())
        .with_some("target", target.clone());
    Some(Plan::of(vec![apart, unnest], Success::Last))
}

pub(super) fn prune(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let at = attributes.at();
    let mut stages = Vec::new();
    for (option, key) in [("whitelist_names", "all_but"), ("blacklist_names", "fields")] {
        let patterns = attributes.texts(option);
        if patterns.is_empty() {
            continue;
        }
        let whole = |pattern: &String| {
            let name = pattern.strip_prefix('^')?.strip_suffix('$')?;
            name.chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '-'))
                .then(|| translator.names.field(name).ok())?
        };
        match patterns.iter().map(whole).collect::<Option<Vec<String>>>() {
            Some(fields) => {
                let touched = if key == "fields" { Touched::Fields(fields.clone()) } else { Touched::Any };
                stages.push(
                    Planned::new(at.place, format!("prune, {option}"), "remove", touched).with(key, list(fields)),
                );
            }
            None => {
                let reason =
                    format!("names are told by whole patterns such as \"^name$\" alone; use remove with {key} = [ … ]");
                translator.report.left(attributes.place_of(option), Some(option), reason);
            }
        }
    }
    let report = &mut translator.report;
    attributes.refuse("whitelist_values", &[], "use match stages and remove with a when", report);
    attributes.refuse("blacklist_values", &[], "use match stages and remove with a when", report);
    attributes.values("interpolate");
    (!stages.is_empty()).then(|| Plan::of(stages, Success::Last))
}
