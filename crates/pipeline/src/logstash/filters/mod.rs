//! What each filter of Logstash becomes. One that has no counterpart is reported with what to do instead.

mod dates;
mod events;
mod lookups;
mod mutate;
mod networks;
mod parsing;
mod patterns;

use toml::Value as Toml;

use super::attributes::{Attributes, toml_of};
use super::stage::{Planned, Touched, list, one_or_list, table};
use super::translate::Translator;

/// The stages of one filter.
pub(super) struct Plan {
    /// In order.
    stages: Vec<Planned>,
    success: Success,
}

/// Which stage succeeds when the filter does, and does what the filter is to do then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Success {
    First,
    Last,
    /// None of them: one more is needed.
    Another,
    /// Nothing is to be done.
    Nothing,
}

impl Plan {
    fn one(stage: Planned) -> Self {
        Self::of(vec![stage], Success::First)
    }

    const fn of(stages: Vec<Planned>, success: Success) -> Self {
        Self { stages, success }
    }
}

/// Filters without a counterpart, and what to do instead.
const INSTEAD: &[(&str, &str)] = &[
    ("ruby", "code is not run; say what it does by stages such as add, replace, translate, split"),
    ("aggregate", "a stage remembers nothing between events; count and sum by POST /api/search/aggregate"),
    ("elapsed", "a stage remembers nothing between events; compare times by POST /api/search/aggregate"),
    ("metrics", "events are counted by /metrics and POST /api/search/aggregate"),
    ("throttle", "a stage remembers nothing beyond a request; use sample, or limit the sender"),
    ("dns", "a stage asks no network; let the sender tell names"),
    ("http", "a stage asks no network; let the sender tell it, or use translate with a dictionary"),
    ("elasticsearch", "a stage asks no store; use translate with a dictionary"),
    ("memcached", "a stage asks no store; use translate with a dictionary"),
    ("jdbc_static", "a stage asks no database; use translate with a dictionary"),
    ("jdbc_streaming", "a stage asks no database; use translate with a dictionary"),
    ("xml", "there is no stage for XML; take single values out by grok"),
    ("truncate", "an event may have 1 MiB, longer ones are dead letters; cut by replace with ^(?s)(.{1000}).* and $1"),
    ("uuid", "every event has an _id; a fingerprint of fields is the same each time an event is sent"),
    ("cipher", "there is no encryption by field; hash with a key tells values apart without telling them"),
    ("anonymize", "use the stage hash with a key"),
    ("sleep", "senders are slowed when they have to be"),
    ("json_encode", "objects are kept as objects; nothing has to be text"),
    (
        "multiline",
        "lines of one stack trace are joined when they are read; other lines by the sender (Filebeat's multiline)",
    ),
    ("alter", "use add with existing = \"replace\" and a when, or translate"),
    ("range", "use tag stages with conditions such as when = 'took_ms>100'"),
    ("bytes", "there is no stage that reads 5MB as a number; let the sender write numbers"),
    ("wurfl_device_detection", "use user_agent"),
    ("i18n", "use replace"),
    ("tld", "take the domain apart by grok"),
    ("environment", "add fields by the stage add with the values themselves"),
    ("extractnumbers", "take numbers out by grok"),
    ("elastic_integration", "add the fields by stages"),
];

/// Filters whose work Vigie does without being told.
const DONE_ANYWAY: &[(&str, &str)] = &[
    ("syslog_pri", "the input of syslog reads priority, facility and severity itself"),
    ("de_dot", "names with dots are found like nested ones, so nothing has to be renamed"),
];

/// The stages of a filter; `None` when nothing of it is translated, which is then reported.
pub(super) fn stages(
    translator: &mut Translator<'_>,
    name: &str,
    attributes: &mut Attributes<'_>,
) -> Option<Vec<Planned>> {
    plan(translator, name, attributes).map(|plan| with_common(translator, plan, attributes))
}

/// The stages of a filter without its common options.
fn plan(translator: &mut Translator<'_>, name: &str, attributes: &mut Attributes<'_>) -> Option<Plan> {
    match name {
        "grok" => patterns::grok(translator, attributes),
        "date" => dates::date(translator, attributes),
        "mutate" => mutate::mutate(translator, attributes),
        "json" => parsing::json(translator, attributes),
        "kv" => parsing::kv(translator, attributes),
        "csv" => parsing::csv(translator, attributes),
        "dissect" => patterns::dissect(translator, attributes),
        "urldecode" => parsing::urldecode(translator, attributes),
        "geoip" => lookups::geoip(translator, attributes),
        "useragent" => lookups::useragent(translator, attributes),
        "cidr" => networks::cidr(translator, attributes),
        "translate" => lookups::translate(translator, attributes),
        "fingerprint" => lookups::fingerprint(translator, attributes),
        "drop" => events::drop(translator, attributes),
        "clone" => events::clone(translator, attributes),
        "split" => events::split(translator, attributes),
        "prune" => events::prune(translator, attributes),
        other => {
            let at = attributes.at();
            let known = |table: &[(&str, &'static str)]| {
                table.iter().find(|(known, _)| *known == other).map(|(_, words)| *words)
            };
            match (known(DONE_ANYWAY), known(INSTEAD)) {
                (Some(words), _) => translator.report.note(at, None, words),
                (None, Some(words)) => translator.report.left(at, None, words),
                (None, None) => {
                    let words = "no stage does what this filter does; docs/pipelines.md lists those that there are";
                    translator.report.left(at, None, words);
                }
            }
            None
        }
    }
}

/// What a filter does when it succeeded, in the order in which Logstash does it.
struct Common {
    add_fields: Vec<(String, Toml)>,
    remove_fields: Vec<String>,
    add_tags: Vec<String>,
    remove_tags: Vec<String>,
}

impl Common {
    fn read(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Self {
        let mut add_fields: Vec<(String, Toml)> = Vec::new();
        for (place, name, value) in attributes.pairs("add_field") {
            let at = super::report::Where { place, ..attributes.at() };
            let added = translator.names.field(&name).and_then(|field| {
                let value = toml_of(value, &translator.names).ok_or("its value is none that a field can have")?;
                let try_it = Planned::new(place, "", "add", Touched::Any)
                    .with("fields", table([(field.clone(), value.clone())]));
                try_it.check().map_err(|error| error.message)?;
                Ok((field, value))
            });
            match added {
                Ok(added) => {
                    add_fields.push(added);
                    if !is_order_free(&add_fields) {
                        add_fields.pop();
                        let reason =
                            "it and another that is added here are made of one another; add it by a mutate of its own";
                        translator.report.left(at, Some("add_field"), format!("{name}: {reason}"));
                    }
                }
                Err(reason) => translator.report.left(at, Some("add_field"), format!("{name}: {reason}")),
            }
        }
        let remove_fields = attributes.fields("remove_field", &translator.names, &mut translator.report);
        let mut add_tags = Vec::new();
        for tag in attributes.texts("add_tag") {
            // A tag with a field in it is text like that of any field.
            if tag.contains("%{") {
                add_fields.push(("tags".to_owned(), Toml::String(translator.names.template(&tag))));
            } else {
                add_tags.push(tag);
            }
        }
        Self { add_fields, remove_fields, add_tags, remove_tags: attributes.texts("remove_tag") }
    }

    fn is_empty(&self) -> bool {
        self.add_fields.is_empty()
            && self.remove_fields.is_empty()
            && self.add_tags.is_empty()
            && self.remove_tags.is_empty()
    }

    fn add_to(self, stage: &mut Planned) {
        let is_tagging = !self.add_tags.is_empty() || !self.remove_tags.is_empty();
        self.add_fields.iter().for_each(|(field, _)| stage.touch(field));
        self.remove_fields.iter().for_each(|field| stage.touch(field));
        if is_tagging {
            stage.touch("tags");
        }
        if !self.add_fields.is_empty() {
            stage.keys.push(("add_fields", table(self.add_fields)));
        }
        let lists =
            [("remove_fields", self.remove_fields), ("add_tags", self.add_tags), ("remove_tags", self.remove_tags)];
        let given = lists.into_iter().filter(|(_, texts)| !texts.is_empty());
        stage.keys.extend(given.map(|(key, texts)| (key, list(texts))));
    }
}

/// The stages with the filter's common options: they are those of the stage that has the filter's own success.
fn with_common(translator: &mut Translator<'_>, plan: Plan, attributes: &mut Attributes<'_>) -> Vec<Planned> {
    let Plan { mut stages, success } = plan;
    let common = Common::read(translator, attributes);
    if common.is_empty() {
        return stages;
    }
    let stage = match success {
        Success::First => stages.first_mut(),
        Success::Last => stages.last_mut(),
        Success::Another => None,
        Success::Nothing => return stages,
    };
    match stage {
        Some(stage) => common.add_to(stage),
        None => {
            let mut stage =
                Planned::new(attributes.at().place, attributes.at().plugin, "tag", Touched::Fields(Vec::new()));
            common.add_to(&mut stage);
            stages.push(stage);
        }
    }
    stages
}

/// Whether a table, which is gone through by name, puts the same as these pairs one after the other.
fn is_order_free(pairs: &[(String, Toml)]) -> bool {
    pairs.iter().enumerate().all(|(number, (early, early_value))| {
        let in_order = |(late, late_value): &(String, Toml)| {
            early < late || !(mentions(late_value, early) || mentions(early_value, late))
        };
        pairs[number + 1..].iter().all(in_order)
    })
}

/// Whether a text is made of the field, or of what lies below it.
fn mentions(value: &Toml, field: &str) -> bool {
    let is_it = |piece: &str| piece.strip_prefix(field).is_some_and(|rest| rest.starts_with(['}', '.']));
    value.as_str().is_some_and(|text| text.split("%{").skip(1).any(is_it))
}

/// `tag_on_failure` of a filter: what takes the place of the stage's own tag.
fn failure_tags(attributes: &mut Attributes<'_>, own: &str) -> Option<Toml> {
    if !attributes.has("tag_on_failure") {
        return None;
    }
    let tags = attributes.texts("tag_on_failure");
    (tags != [own]).then(|| one_or_list(tags))
}
