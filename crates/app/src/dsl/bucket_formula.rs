//! Formulas over numbers of buckets: what `bucket_script` and `bucket_selector` are sent.

use serde_json::{Map, Value as Json};
use vigie_domain::Result;

use super::formula::Formula;
use super::histogram::number;
use super::pipelines::Path;
use super::place::Place;
use super::query::needed;

/// A formula and where the numbers lie that it names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BucketFormula {
    pub(super) formula: Formula,
    pub(super) inputs: Vec<Path>,
    /// Numbers that the request gives names, behind those of `inputs`.
    pub(super) constants: Vec<f64>,
}

impl BucketFormula {
    /// Reads a formula with what it names.
    ///
    /// # Errors
    /// `Malformed` when it is none, or names what is not there.
    pub(super) fn read(
        object: &Map<String, Json>,
        read: fn(&str, &[String], &Place) -> Result<Formula>,
        place: &Place,
    ) -> Result<Self> {
        let place_of_paths = place.key("buckets_path");
        let named: Vec<(String, &Json)> = match needed(object, "buckets_path", place)? {
            Json::Object(named) => named.iter().map(|(name, path)| (name.clone(), path)).collect(),
            Json::Array(list) => {
                list.iter().enumerate().map(|(number, path)| (format!("_value{number}"), path)).collect()
            }
            path => vec![("_value".to_owned(), path)],
        };
        let path = |(name, json): &(String, &Json)| Ok(Path::read(&place_of_paths.key(name).text(json)?));
        let inputs = named.iter().map(path).collect::<Result<Vec<_>>>()?;
        let mut names: Vec<String> = named.into_iter().map(|(name, _)| name).collect();
        let place = place.key("script");
        let mut constants = Vec::new();
        let text = match needed(object, "script", &place)? {
            Json::Object(script) => {
                place.check_keys(script, &["source", "inline", "lang", "params"], &[])?;
                for (name, json) in script.get("params").and_then(Json::as_object).into_iter().flatten() {
                    constants.push(number(json, &place.key("params").key(name))?);
                    names.push(name.clone());
                }
                let source = script.get("source").or_else(|| script.get("inline"));
                place.key("source").text(source.ok_or_else(|| place.wrong("must have [source]"))?)?
            }
            json => place.text(json)?,
        };
        Ok(Self { formula: read(&text, &names, &place)?, inputs, constants })
    }
}
