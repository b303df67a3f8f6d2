//! A pipeline as it is written in TOML: its version and its stages in order.

use std::sync::Arc;

use toml::{Table, Value as Toml};

use super::error::PipelineError;
use super::options::Options;
use super::registry::{STAGES, stage_kinds};
use super::step::Step;
use crate::enrich::Lookups;

/// Bytes of a pipeline's text.
pub const PIPELINE_BYTES_MAX: usize = 1024 * 1024;
/// Stages of a pipeline.
pub const STAGES_MAX: usize = 200;
/// The one version of the form.
const VERSION: i64 = 1;

/// Stages in the order written. It never changes: a new text makes a new one.
#[derive(Debug)]
pub struct Pipeline {
    pub(super) steps: Vec<Step>,
    /// Whether events get what the header of their browser tells.
    pub(crate) adds_agent: bool,
    /// Whether they get the place of their client.
    pub(crate) adds_place: bool,
    pub(crate) lookups: Arc<Lookups>,
}

impl Pipeline {
    /// Without stages: events only get what every event gets.
    pub const fn of_defaults(lookups: Arc<Lookups>) -> Self {
        Self { steps: Vec::new(), adds_agent: true, adds_place: true, lookups }
    }

    /// Reads a pipeline that knows countries alone.
    ///
    /// # Errors
    /// Naming the stage and the key that is wrong, and what to do.
    pub fn from_toml(text: &str) -> Result<Self, PipelineError> {
        Self::read(text, &Arc::default())
    }

    /// Reads a pipeline.
    ///
    /// # Errors
    /// Naming the stage and the key that is wrong, and what to do.
    pub fn read(text: &str, lookups: &Arc<Lookups>) -> Result<Self, PipelineError> {
        if text.len() > PIPELINE_BYTES_MAX {
            let message = format!("the pipeline has {} bytes, more than {PIPELINE_BYTES_MAX}", text.len());
            return Err(PipelineError::whole(format!("{message}; make several shorter stages of it")));
        }
        let mut table: Table =
            text.parse().map_err(|error: toml::de::Error| PipelineError::whole(not_toml(&error, text)))?;
        match table.remove("version") {
            Some(Toml::Integer(VERSION)) => {}
            Some(other) => return Err(whole("version", format!("{other} is not known; write version = {VERSION}"))),
            None => return Err(whole("version", format!("it is missing; begin the file with version = {VERSION}"))),
        }
        let (adds_agent, adds_place) = enrichment(table.remove("enrich"))?;
        let stages = match table.remove("stage") {
            None => Vec::new(),
            Some(Toml::Array(stages)) => stages,
            Some(_) => return Err(whole("stage", "it is no list; begin each stage with [[stage]]")),
        };
        if let Some(key) = table.keys().next() {
            return Err(whole(key, "there is no such key; a pipeline has version, [enrich] and [[stage]]"));
        }
        if stages.len() > STAGES_MAX {
            return Err(whole("stage", format!("{} stages are more than {STAGES_MAX}", stages.len())));
        }
        let build = |(stage, number)| build(number, stage, lookups);
        let steps = stages.into_iter().zip(1..).map(build).collect::<Result<_, _>>()?;
        Ok(Self { steps, adds_agent, adds_place, lookups: Arc::clone(lookups) })
    }

    /// How many stages it has.
    pub const fn stage_count(&self) -> usize {
        self.steps.len()
    }
}

fn whole(key: &str, message: impl Into<String>) -> PipelineError {
    PipelineError { key: Some(key.to_owned()), ..PipelineError::whole(message) }
}

/// What is no TOML, with its line.
fn not_toml(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().map_or(1, |span| text[..text.floor_char_boundary(span.start)].matches('\n').count() + 1);
    format!("line {line} is no TOML: {}", error.message())
}

/// Which of the additions are wanted: both, unless the table says no.
fn enrichment(table: Option<Toml>) -> Result<(bool, bool), PipelineError> {
    let mut table = match table {
        None => return Ok((true, true)),
        Some(Toml::Table(table)) => table,
        Some(other) => return Err(whole("enrich", format!("{other} is no table; write [enrich] and geoip = false"))),
    };
    let mut flag = |key: &str| match table.remove(key) {
        None => Ok(true),
        Some(Toml::Boolean(flag)) => Ok(flag),
        Some(other) => Err(whole(&format!("enrich.{key}"), format!("{other} is not true or false"))),
    };
    let wanted = (flag("user_agent")?, flag("geoip")?);
    match table.keys().next() {
        Some(key) => Err(whole(&format!("enrich.{key}"), "there is no such key; it has user_agent and geoip")),
        None => Ok(wanted),
    }
}

fn build(number: usize, stage: Toml, lookups: &Arc<Lookups>) -> Result<Step, PipelineError> {
    let error = |key: &str, message: String| PipelineError {
        stage: Some(number),
        kind: None,
        key: Some(key.to_owned()),
        message,
    };
    let Toml::Table(mut table) = stage else {
        return Err(error("stage", "it is no table; begin each stage with [[stage]]".to_owned()));
    };
    let kinds = || stage_kinds().collect::<Vec<_>>().join(", ");
    let kind = match table.remove("type") {
        Some(Toml::String(kind)) => kind,
        Some(other) => return Err(error("type", format!("{other} is no text; use one of {}", kinds()))),
        None => return Err(error("type", format!("it is missing; use one of {}", kinds()))),
    };
    let Some((kind, make)) = STAGES.iter().find(|(known, _)| *known == kind) else {
        return Err(error("type", format!("{kind:?} is no stage; use one of {}", kinds())));
    };
    let mut options = Options::new(number, (*kind).to_owned(), table, Arc::clone(lookups));
    let mut step = Step::read(number, kind, &mut options)?;
    step.stage = make(&mut options)?;
    options.finish()?;
    Ok(step)
}
