//! `mutate`: what it does is done in a fixed order, whatever the order in which it is written.

use toml::Value as Toml;
use vigie_domain::mapping;
use vigie_domain::query::Query;

use super::{Plan, Success, is_order_free};
use crate::logstash::attributes::{Attributes, scalar, toml_of};
use crate::logstash::names::Names;
use crate::logstash::question::Questions;
use crate::logstash::report::Where;
use crate::logstash::ruby;
use crate::logstash::stage::{Planned, Touched, list, table};
use crate::logstash::translate::Translator;
use crate::logstash::tree::{Literal, Place};

pub(super) fn mutate(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let mut work = Work { translator, attributes, stages: Vec::new() };
    work.refuse_coerce();
    work.moves("rename", "rename");
    work.puts("update");
    work.puts("replace");
    work.convert();
    work.gsub();
    for (option, kind) in [
        ("uppercase", "uppercase"),
        ("capitalize", "capitalize"),
        ("lowercase", "lowercase"),
        ("strip", "trim"),
        ("remove", "remove"),
    ] {
        work.each_field(option, kind);
    }
    work.separators("split");
    work.separators("join");
    work.merge();
    work.moves("copy", "copy");
    work.attributes.values("tag_on_failure");
    Some(Plan::of(work.stages, Success::Another).joined())
}

impl Plan {
    /// What is done on success belongs to the last stage, unless that one is asked by a question of its own.
    fn joined(mut self) -> Self {
        if self.stages.last().is_some_and(|stage| stage.when == Query::All) {
            self.success = Success::Last;
        }
        self
    }
}

struct Work<'w, 'o, 'p> {
    translator: &'w mut Translator<'o>,
    attributes: &'w mut Attributes<'p>,
    stages: Vec<Planned>,
}

impl Work<'_, '_, '_> {
    fn stage(&self, place: Place, option: &str, kind: &'static str, touched: Vec<String>) -> Planned {
        Planned::new(place, format!("mutate, {option}"), kind, Touched::Fields(touched))
    }

    fn left(&mut self, place: Place, option: &str, reason: impl Into<String>) {
        let at = Where { place, ..self.attributes.at() };
        self.translator.report.left(at, Some(option), reason);
    }

    /// The field, or a finding.
    fn field(&mut self, place: Place, option: &str, written: &str) -> Option<String> {
        if written.contains("%{") {
            self.left(place, option, format!("{written:?}: names of fields are fixed here; name the field itself"));
            return None;
        }
        let field = self.translator.names.field(written);
        field.map_err(|reason| self.left(place, option, reason)).ok()
    }

    fn refuse_coerce(&mut self) {
        let reason =
            "nothing tells null from a value here; use add with existing = \"keep\", which also adds what is missing";
        let report = &mut self.translator.report;
        self.attributes.refuse("coerce", &[], reason, report);
    }

    /// `rename` and `copy`: one stage, or one for each pair when one pair's place is another's.
    fn moves(&mut self, option: &'static str, kind: &'static str) {
        let mut pairs = Vec::new();
        let mut place = self.attributes.at().place;
        for (at, from, to) in self.attributes.text_pairs(option) {
            place = at;
            if let (Some(from), Some(to)) = (self.field(at, option, &from), self.field(at, option, &to)) {
                pairs.push((from, to));
            }
        }
        // A table has no order, so that pairs which follow one another need a stage each.
        let is_chain = pairs.iter().any(|(from, to)| {
            pairs.iter().any(|(other_from, other_to)| {
                (from, to) != (other_from, other_to) && (to == other_from || to == other_to || from == other_from)
            })
        });
        let groups: Vec<Vec<(String, String)>> = match (is_chain, pairs.is_empty()) {
            (_, true) => Vec::new(),
            (true, false) => pairs.into_iter().map(|pair| vec![pair]).collect(),
            (false, false) => vec![pairs],
        };
        for group in groups {
            let touched = group.iter().flat_map(|(from, to)| [from.clone(), to.clone()]).collect();
            let fields = group.into_iter().map(|(from, to)| (from, Toml::String(to)));
            let stage = self.stage(place, option, kind, touched).with("fields", table(fields));
            self.stages.push(stage);
        }
    }

    /// `update` puts a value where one is, `replace` also where none is.
    fn puts(&mut self, option: &'static str) {
        let mut always = Vec::new();
        let mut place = self.attributes.at().place;
        for (at, written, value) in self.attributes.pairs(option) {
            place = at;
            let Some(field) = self.field(at, option, &written) else { continue };
            let Some(value) = toml_of(value, &self.translator.names) else {
                self.left(at, option, format!("{written}: its value is none that a field can have"));
                continue;
            };
            if option == "update" {
                self.update(at, &field, value);
            } else {
                let stage = self.put(at, option, vec![(field.clone(), value.clone())]);
                match stage.check() {
                    Ok(()) => always.push((field, value)),
                    Err(error) => self.left(at, option, format!("{written}: {}", error.message)),
                }
            }
        }
        let groups = match (is_order_free(&always), always.is_empty()) {
            (_, true) => Vec::new(),
            (true, false) => vec![always],
            (false, false) => always.into_iter().map(|pair| vec![pair]).collect(),
        };
        for group in groups {
            let stage = self.put(place, option, group);
            self.stages.push(stage);
        }
    }

    fn put(&self, place: Place, option: &str, fields: Vec<(String, Toml)>) -> Planned {
        let touched = fields.iter().map(|(field, _)| field.clone()).collect();
        self.stage(place, option, "add", touched).with("fields", table(fields)).with("existing", "replace")
    }

    fn update(&mut self, place: Place, field: &str, value: Toml) {
        // An alias would be taken for the field itself, which would then be made.
        let is_plain =
            mapping::canonical(field) == field && !mapping::FIELD_ALIASES.iter().any(|(known, _)| *known == field);
        let mut before = Vec::new();
        let when = match is_plain {
            true => Query::exists(field),
            false => {
                let at = Where { place, ..self.attributes.at() };
                let names = Names::default();
                let translator = &mut *self.translator;
                let mut questions = Questions {
                    at,
                    names: &names,
                    marks: &mut translator.marks,
                    report: &mut translator.report,
                    before: Vec::new(),
                };
                let asked = questions.matching(field, None);
                before = questions.before;
                match asked {
                    Ok(query) => query,
                    Err(reason) => return self.left(place, "update", reason),
                }
            }
        };
        let mut stage = self.put(place, "update", vec![(field.to_owned(), value)]);
        if let Err(error) = stage.check() {
            return self.left(place, "update", format!("{field}: {}", error.message));
        }
        stage.when = when;
        self.stages.append(&mut before);
        self.stages.push(stage);
    }

    fn convert(&mut self) {
        let mut fields: Vec<(String, Toml)> = Vec::new();
        let mut place = self.attributes.at().place;
        for (at, written, kind) in self.attributes.text_pairs("convert") {
            place = at;
            let Some(field) = self.field(at, "convert", &written) else { continue };
            let pair = (field, Toml::String(kind));
            let one = self.stage(at, "convert", "convert", Vec::new()).with("fields", table([pair.clone()]));
            match one.check() {
                Ok(()) => fields.push(pair),
                Err(error) => self.left(at, "convert", format!("{written}: {}", error.message)),
            }
        }
        if !fields.is_empty() {
            let touched = fields.iter().map(|(field, _)| field.clone()).chain(["tags".to_owned()]).collect();
            let stage = self.stage(place, "convert", "convert", touched).with("fields", table(fields));
            self.stages.push(stage);
        }
    }

    fn gsub(&mut self) {
        let at = self.attributes.place_of("gsub").place;
        let texts = self.attributes.texts("gsub");
        if !texts.len().is_multiple_of(3) {
            self.left(at, "gsub", "it needs field, pattern and replacement, three texts each time");
        }
        for three in texts.chunks_exact(3) {
            let [written, pattern, with] = three else { continue };
            if pattern.contains("%{") || with.contains("%{") {
                self.left(
                    at,
                    "gsub",
                    format!("{written}: pattern and replacement are fixed here, without fields in them"),
                );
                continue;
            }
            let Some(field) = self.field(at, "gsub", written) else { continue };
            let stage = self
                .stage(at, "gsub", "replace", vec![field.clone(), "tags".to_owned()])
                .with("fields", list([field]))
                .with("pattern", ruby::expression(pattern))
                .with("with", ruby::replacement(with));
            match stage.check() {
                Ok(()) => self.stages.push(stage),
                Err(error) => self.left(at, "gsub", format!("{written}: {}", error.message)),
            }
        }
    }

    fn each_field(&mut self, option: &'static str, kind: &'static str) {
        let place = self.attributes.place_of(option).place;
        let written = self.attributes.texts(option);
        let fields: Vec<String> = written.iter().filter_map(|written| self.field(place, option, written)).collect();
        if !fields.is_empty() {
            let stage = self.stage(place, option, kind, fields.clone()).with("fields", list(fields));
            self.stages.push(stage);
        }
    }

    /// `split` and `join`: a stage for each field.
    fn separators(&mut self, option: &'static str) {
        for (place, written, separator) in self.attributes.text_pairs(option) {
            let Some(field) = self.field(place, option, &written) else { continue };
            let stage = self.stage(place, option, option, vec![field.clone(), "tags".to_owned()]);
            self.stages.push(stage.with("field", field).with("separator", separator));
        }
    }

    fn merge(&mut self) {
        for (place, into, value) in self.attributes.pairs("merge") {
            let from: Vec<String> = match value {
                Literal::List(items) => items.iter().filter_map(scalar).collect(),
                other => scalar(other).into_iter().collect(),
            };
            let Some(into) = self.field(place, "merge", &into) else { continue };
            for from in from {
                let Some(from) = self.field(place, "merge", &from) else { continue };
                let stage = self.stage(place, "merge", "merge", vec![into.clone(), "tags".to_owned()]);
                self.stages.push(stage.with("fields", table([(into.clone(), Toml::String(from))])));
            }
        }
    }
}
