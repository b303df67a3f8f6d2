//! Outputs: Vigie stores events itself, so that what remains of them is the id of an event, and where else it went.

use toml::Value as Toml;
use vigie_domain::mapping;
use vigie_domain::query::Query;

use super::attributes::Attributes;
use super::question::and;
use super::report::Where;
use super::stage::{Planned, Touched, table};
use super::translate::Translator;
use super::tree::{Branch, Item, Plugin};

/// Other outputs, and what to do instead.
const INSTEAD: &[(&str, &str)] = &[
    ("email", "there are no alerts by e-mail from a pipeline; ask POST /api/search by a timer"),
    ("file", "events are in Parquet files of the data folder; vigie query writes them as JSON"),
    ("csv", "vigie query writes events as JSON"),
    ("kafka", "events are not sent on; let the sender write to both"),
    ("http", "events are not sent on; let the sender write to both"),
    ("tcp", "events are not sent on; let the sender write to both"),
    ("redis", "events are not sent on; Vigie slows its senders itself, so that no broker is needed before it"),
    ("s3", "use vigie backup, and copy its folder"),
    ("statsd", "ask /metrics and POST /api/search/aggregate"),
    ("graphite", "ask /metrics and POST /api/search/aggregate"),
    ("pipeline", "there is one pipeline; write the filters of both one after the other"),
];

/// Outputs that store events.
const STORES: [&str; 4] = ["elasticsearch", "opensearch", "elastic", "data_stream"];
/// Outputs that show events while a configuration is tried.
const SHOWS: [&str; 3] = ["stdout", "rubydebug", "null"];

/// The stages for what outputs say of events.
pub(super) fn read(translator: &mut Translator<'_>, items: &[Item]) -> Vec<Planned> {
    each(translator, items, false)
}

/// Outputs of a branch that not every event comes to.
fn asked(translator: &mut Translator<'_>, items: &[Item]) -> Vec<Planned> {
    each(translator, items, true)
}

fn each(translator: &mut Translator<'_>, items: &[Item], is_asked: bool) -> Vec<Planned> {
    let mut stages = Vec::new();
    for item in items {
        match item {
            Item::Plugin(plugin) => stages.extend(output(translator, plugin, is_asked)),
            Item::Branches(branches) => {
                let within = if is_asked || !stores_all(branches) { asked } else { read };
                if branches.iter().any(|branch| has_id(&branch.items)) {
                    stages.extend(translator.branches(branches, within));
                } else {
                    // Where an event goes does not matter, so that nobody has to ask.
                    branches.iter().for_each(|branch| stages.extend(within(translator, &branch.items)));
                }
            }
        }
    }
    stages
}

/// Whether an event is stored, whatever its way.
fn stores_all(branches: &[Branch]) -> bool {
    let stores = |item: &Item| match item {
        Item::Plugin(plugin) => STORES.contains(&plugin.name.as_str()),
        Item::Branches(branches) => stores_all(branches),
    };
    branches.last().is_some_and(|last| last.condition.is_none())
        && branches.iter().all(|branch| branch.items.iter().any(stores))
}

/// Whether an output gives events an id.
fn has_id(items: &[Item]) -> bool {
    items.iter().any(|item| match item {
        Item::Plugin(plugin) => {
            STORES.contains(&plugin.name.as_str())
                && plugin.attributes.iter().any(|attribute| attribute.name == "document_id")
        }
        Item::Branches(branches) => branches.iter().any(|branch| has_id(&branch.items)),
    })
}

fn output(translator: &mut Translator<'_>, plugin: &Plugin, is_asked: bool) -> Option<Planned> {
    let at = Where { place: plugin.place, plugin: &plugin.name };
    let mut attributes = Attributes::of(plugin);
    match plugin.name.as_str() {
        name if STORES.contains(&name) => {
            translator.translated += 1;
            if is_asked {
                let reason =
                    "every event is stored, whatever the if asks; drop what is not wanted by a drop stage with a when";
                translator.report.left(at, None, reason);
            } else {
                translator.report.note(
                    at,
                    None,
                    "Vigie stores events itself, an index for each day; nothing has to be named",
                );
            }
            let id = attributes.text("document_id");
            let stage = id.and_then(|id| event_id(translator, &attributes, &id));
            for (option, reason) in [
                ("pipeline", "write what the ingest pipeline does as stages"),
                ("routing", "there is no routing"),
                ("action", "events are added and never changed"),
            ] {
                attributes.refuse(option, &["index", "create"], reason, &mut translator.report);
            }
            stage
        }
        name if SHOWS.contains(&name) => {
            translator.translated += 1;
            translator.report.note(at, None, "use vigie pipeline test, which shows what each stage does");
            None
        }
        name => {
            let words = INSTEAD.iter().find(|(known, _)| *known == name).map(|(_, words)| *words);
            translator.report.left(at, None, words.unwrap_or("events are stored by Vigie and not sent on"));
            None
        }
    }
}

/// An event with an id of its own is stored once, however often it is sent.
fn event_id(translator: &mut Translator<'_>, attributes: &Attributes<'_>, id: &str) -> Option<Planned> {
    let at = attributes.place_of("document_id");
    let text = translator.names.template(id);
    let mut when = Query::All;
    for piece in text.split("%{").skip(1) {
        let field = piece.split('}').next().unwrap_or_default();
        when = and(when, Query::exists(mapping::canonical(field)));
    }
    let mut stage = Planned::new(at.place, "output, document_id", "add", Touched::Fields(vec!["_id".to_owned()]))
        .with("fields", table([("_id".to_owned(), Toml::String(text))]))
        .with("existing", "replace");
    stage.when = when;
    translator.is_taken(at, &stage).then_some(stage)
}
