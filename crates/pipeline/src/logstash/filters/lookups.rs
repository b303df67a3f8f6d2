//! `geoip`, `useragent`, `translate`, `fingerprint`: what values tell, and what stands for them.

use toml::Value as Toml;

use super::{Plan, failure_tags};
use crate::logstash::attributes::{Attributes, toml_of};
use crate::logstash::dictionary;
use crate::logstash::names::{AGENT_FIELDS, PLACE_FIELDS};
use crate::logstash::report::Where;
use crate::logstash::stage::{Planned, Touched, list, table};
use crate::logstash::translate::Translator;

/// Where Logstash puts places, unless it is told otherwise.
const PLACES: [&str; 5] = ["geoip", "source", "client", "destination", "geo"];
/// Where people put browsers.
const BROWSERS: [&str; 6] = ["useragent", "ua", "user_agent", "agent", "browser", "http_user_agent"];

fn read_field(
    translator: &mut Translator<'_>,
    attributes: &mut Attributes<'_>,
    option: &'static str,
) -> Option<String> {
    let field = attributes.field(option, &translator.names, &mut translator.report);
    if field.is_none() && !attributes.has(option) {
        translator.report.left(attributes.at(), Some(option), format!("it is missing; write {option} => \"field\""));
    }
    field
}

pub(super) fn geoip(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let at = attributes.at();
    let field = read_field(translator, attributes, "source")?;
    let written = attributes.text("target").map(|target| target.trim_matches(['[', ']']).replace("][", "."));
    let base = written.clone().unwrap_or_else(|| "geoip".to_owned());
    let base = base.strip_suffix(".geo").unwrap_or(&base).to_owned();
    let target = if PLACES.contains(&base.as_str()) { "geo".to_owned() } else { translator.names.field(&base).ok()? };
    if attributes.text("default_database_type").is_some_and(|kind| kind.eq_ignore_ascii_case("asn")) {
        translator.report.note(
            at,
            None,
            "one geoip stage tells places and networks, asn and as_org; this one adds nothing",
        );
        return None;
    }
    if attributes.text("database").is_some() {
        let reason = "name the file in the setting pipelines.databases; without one, only countries are known";
        translator.report.note(attributes.place_of("database"), Some("database"), reason);
    }
    attributes.refuse(
        "fields",
        &[],
        "everything that is known is added; remove what is not wanted by remove_fields",
        &mut translator.report,
    );
    attributes.values("cache_size");
    if target == "geo" {
        translator.names.move_below("geoip", "geo", &PLACE_FIELDS);
        // These also hold addresses, so that only what is a place in them is elsewhere.
        for holder in ["source", "client", "destination"] {
            for (inner, name) in
                PLACE_FIELDS.iter().filter(|(inner, _)| inner.starts_with("geo") || inner.starts_with("as."))
            {
                let place = if name.is_empty() { target.clone() } else { format!("{target}.{name}") };
                translator.names.move_field(&format!("{holder}.{inner}"), &place);
            }
        }
    } else {
        translator.names.move_below(&base, &target, &PLACE_FIELDS);
    }
    let tags = failure_tags(attributes, "_geoip_lookup_failure");
    let aliases = if target == "geo" { "; geoip.* still finds it in queries" } else { "" };
    let reason = format!("the place is in {target}.country, .country_name, .region, .city and .location{aliases}");
    translator.report.note(at, None, reason);
    let mut stage = Planned::new(at.place, "geoip", "geoip", Touched::Fields(vec![target.clone(), "tags".to_owned()]));
    if field != "client_ip" {
        stage = stage.with("field", field);
    }
    let target = (target != "geo").then_some(target);
    Some(Plan::one(stage.with_some("target", target).with_some("tag_on_failure", tags)))
}

pub(super) fn useragent(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let at = attributes.at();
    let field = read_field(translator, attributes, "source")?;
    let written = attributes.field("target", &translator.names, &mut translator.report);
    let target = match &written {
        Some(target) if !BROWSERS.contains(&target.as_str()) => target.clone(),
        _ => "user_agent".to_owned(),
    };
    let report = &mut translator.report;
    attributes.refuse("prefix", &[""], "fields lie below the target, without a prefix", report);
    attributes.refuse("regexes", &[], "browsers are told by the rules that Vigie has", report);
    attributes.values("lru_cache_size");
    translator.report.note(at, None, format!("the browser is in {target}.name, .version, .os, .device and .is_bot"));
    if let Some(written) = &written {
        for (inner, name) in AGENT_FIELDS {
            translator.names.move_field(&format!("{written}.{inner}"), &format!("{target}.{name}"));
        }
    }
    let stage =
        Planned::new(at.place, "useragent", "user_agent", Touched::Fields(vec![target.clone(), "tags".to_owned()]));
    let target = (target != "user_agent").then_some(target);
    Some(Plan::one(stage.with("field", field).with_some("target", target)))
}

pub(super) fn translate(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let at = attributes.at();
    // The names before version 3.3 of the filter; what they named had a place of its own.
    let is_old = attributes.has("field") && !attributes.has("source");
    let field = read_field(translator, attributes, if is_old { "field" } else { "source" })?;
    let written = if attributes.has("target") { "target" } else { "destination" };
    let own = if is_old { "translation".to_owned() } else { field.clone() };
    let target = attributes.field(written, &translator.names, &mut translator.report).unwrap_or(own);
    for (option, plain, reason) in [
        ("exact", "true", "values are looked up as a whole; use replace for parts of them"),
        ("regex", "false", "values are looked up as they are; use match stages and add"),
        ("iterate_on", "", "a list is not looked up item by item; use unnest"),
    ] {
        if attributes.text(option).is_some_and(|text| text != plain) {
            translator.report.left(attributes.place_of(option), Some(option), reason);
            return None;
        }
    }
    let mut entries: Vec<(String, Toml)> = Vec::new();
    for (place, key, value) in attributes.pairs("dictionary") {
        match toml_of(value, &translator.names) {
            Some(value) => entries.push((key, value)),
            None => translator.report.left(
                Where { place, ..at },
                Some("dictionary"),
                format!("{key}: its value is none that a field can have"),
            ),
        }
    }
    if let Some(path) = attributes.text("dictionary_path") {
        let read = (translator.options.read)(&path).and_then(|files| dictionary::read(&path, &files.concat()));
        match read {
            Ok(read) => entries.extend(read),
            Err(reason) => {
                translator.report.left(attributes.place_of("dictionary_path"), Some("dictionary_path"), reason);
                return None;
            }
        }
        let reason = "the dictionary was copied into the pipeline; import again when it changes";
        translator.report.note(attributes.place_of("dictionary_path"), Some("dictionary_path"), reason);
    }
    attributes.values("refresh_interval");
    attributes.values("refresh_behaviour");
    attributes.values("yaml_load_strategy");
    let overwrites = attributes.flag("override").unwrap_or(target == field);
    let fallback = attributes.text("fallback").map(|text| translator.names.template(&text));
    let stage = Planned::new(at.place, "translate", "translate", Touched::Fields(vec![target.clone()]));
    let mut stage = stage.with("field", field.as_str());
    if target != field {
        stage = stage.with("target", target);
    }
    stage = stage.with("dictionary", table(entries)).with_some("fallback", fallback);
    if !overwrites {
        stage = stage.with("overwrite", false);
    }
    Some(Plan::one(stage))
}

pub(super) fn fingerprint(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let at = attributes.at();
    let method = attributes.text("method").unwrap_or_else(|| "SHA256".to_owned());
    let instead = match method.as_str() {
        "UUID" => Some("a random value would differ each time an event is sent; every event has an _id"),
        "PUNCTUATION" => Some("there is no stage for it; keep its marks by replace with [\\w\\s]+"),
        "IPV4_NETWORK" => Some("ask for networks by queries such as client_ip:\"10.0.0.0/8\""),
        _ => None,
    };
    if let Some(reason) = instead {
        translator.report.left(attributes.place_of("method"), Some("method"), reason);
        return None;
    }
    let mut fields = attributes.fields("source", &translator.names, &mut translator.report);
    let is_joined = attributes.flag("concatenate_sources") == Some(true);
    if attributes.flag("concatenate_all_fields") == Some(true) {
        let reason = "name the fields that make an event the same in fields = [ … ]";
        translator.report.left(attributes.place_of("concatenate_all_fields"), Some("concatenate_all_fields"), reason);
        return None;
    }
    if fields.len() > 1 && !is_joined {
        // Each source replaces the digest of the one before.
        let reason =
            "without concatenate_sources the last source alone counts; add others to fields if that was not meant";
        translator.report.note(attributes.place_of("source"), Some("source"), reason);
        fields = fields.split_off(fields.len() - 1);
    }
    attributes.refuse("base64encode", &["false"], "digests are in hexadecimal", &mut translator.report);
    let target = attributes
        .field("target", &translator.names, &mut translator.report)
        .unwrap_or_else(|| "fingerprint".to_owned());
    let reason = "digests are SHA-256 of names and values, so they are others than Logstash's, and the same each time";
    translator.report.note(at, None, reason);
    let mut stage = Planned::new(at.place, "fingerprint", "fingerprint", Touched::Fields(vec![target.clone()]));
    if !fields.is_empty() {
        stage = stage.with("fields", list(fields));
    }
    if target != "fingerprint" {
        stage = stage.with("target", target);
    }
    Some(Plan::one(stage.with_some("key", attributes.text("key"))))
}
