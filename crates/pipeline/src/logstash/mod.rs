//! Logstash's configuration made a pipeline: read by its real grammar, translated filter by filter, and told line by line
//! what could not be.
//!
//! Pure: files that a configuration names are read by the caller. What comes out is a pipeline that loads, always: a stage
//! that Vigie would refuse is left out and reported.

mod attributes;
mod codec;
mod condition;
mod cursor;
mod dictionary;
mod filters;
mod inputs;
mod names;
mod outputs;
mod parse;
mod question;
mod report;
mod ruby;
mod stage;
#[cfg(test)]
mod tests;
mod translate;
mod tree;
mod variables;

use serde::Serialize;

pub use cursor::LogstashError;
pub use parse::LOGSTASH_BYTES_MAX;
pub use report::{Finding, FindingKind};

use names::Names;
use question::Marks;
use report::{Report, Where};
use stage::{MARKS, Planned, Touched, list};
use translate::Translator;
use tree::{Config, Item, Place, SectionKind};

use crate::stages::{Pipeline, STAGES_MAX};

/// Where Logstash keeps what is not stored.
const METADATA: &str = "@metadata";

/// The texts of a file, or of every file of a folder, that a configuration names; or why there are none.
pub type ReadFiles<'a> = &'a dyn Fn(&str) -> Result<Vec<String>, String>;

/// What a caller says about an import.
pub struct ImportOptions<'a> {
    /// Name of the configuration, for the comment above the pipeline.
    pub name: &'a str,
    /// Values of `${NAME}`.
    pub variables: &'a [(String, String)],
    /// Reads folders of patterns and dictionaries.
    pub read: ReadFiles<'a>,
}

/// A configuration as a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Import {
    /// The pipeline in TOML; it loads.
    pub pipeline: String,
    /// Sections for `vigie.toml` in TOML; empty when there is no input that has one.
    pub settings: String,
    /// Stages of the pipeline.
    pub stages: usize,
    /// Plugins of the configuration.
    pub plugins: usize,
    /// Those of them of which at least a part is in the pipeline or the settings.
    pub translated: usize,
    /// What is not, and what is different, by line.
    pub findings: Vec<Finding>,
}

impl Import {
    /// How many findings are about what was not translated.
    pub fn left_count(&self) -> usize {
        self.findings.iter().filter(|finding| finding.kind == FindingKind::NotTranslated).count()
    }
}

/// What the inputs are, as far as filters have to know.
#[derive(Clone, Copy, Debug, Default)]
struct Variant {
    inputs_count: usize,
    /// Whether lines that are JSON become events before the pipeline.
    reads_json: bool,
    reads_files: bool,
}

/// Makes a pipeline of a configuration.
///
/// # Errors
/// When the text is none, with line, column, and what was expected there.
pub fn import(text: &str, options: &ImportOptions<'_>) -> Result<Import, LogstashError> {
    let mut config = parse::parse(text)?;
    let mut report = Report::default();
    variables::put_in(&mut config, options.variables, &mut report);
    let items = |kind: SectionKind| -> Vec<Item> {
        let sections = config.sections.iter().filter(|section| section.kind == kind);
        sections.flat_map(|section| section.items.iter().cloned()).collect()
    };
    let sent = inputs::look(&items(SectionKind::Input));
    let mut names = Names::default();
    if sent.reads_files {
        names.move_field("path", "log.file.path");
    }
    let mut translator = Translator { options, names, marks: Marks::default(), report, sent, translated: 0 };
    let inputs::Inputs { settings, mut stages } = inputs::read(&mut translator, &items(SectionKind::Input));
    stages.extend(translate::filters(&mut translator, &items(SectionKind::Filter)));
    stages.extend(outputs::read(&mut translator, &items(SectionKind::Output)));
    keep_hidden(&mut stages);
    let last = config.sections.last().and_then(|section| section.items.last()).map_or(Place::default(), place_of);
    stages.extend(cleaning(&stages, last));
    stages = bounded(&mut translator, stages);
    let plugins = count(&config);
    let Translator { report, translated, .. } = translator;
    let mut import = Import {
        pipeline: String::new(),
        settings,
        stages: stages.len(),
        plugins,
        translated,
        findings: report.into_findings(),
    };
    import.pipeline = written(&import, options.name, &stages);
    Ok(import)
}

fn place_of(item: &Item) -> Place {
    match item {
        Item::Plugin(plugin) => plugin.place,
        Item::Branches(branches) => branches.first().map_or(Place::default(), |branch| branch.place),
    }
}

fn count(config: &Config) -> usize {
    fn within(items: &[Item]) -> usize {
        let of = |item: &Item| match item {
            Item::Plugin(_) => 1,
            Item::Branches(branches) => branches.iter().map(|branch| within(&branch.items)).sum(),
        };
        items.iter().map(of).sum()
    }
    config.sections.iter().map(|section| within(&section.items)).sum()
}

/// What is there for other stages alone, as far as these use it.
fn hidden(stages: &[Planned]) -> Vec<String> {
    let is_used = |field: &&str| stages.iter().any(|stage| stage.to_toml().contains(*field));
    [MARKS, METADATA].into_iter().filter(is_used).map(str::to_owned).collect()
}

/// What is to keep some fields alone keeps those too that are there for other stages, as Logstash does.
fn keep_hidden(stages: &mut [Planned]) {
    let hidden = hidden(stages);
    let lists = stages.iter_mut().flat_map(|stage| &mut stage.keys).filter(|(key, _)| *key == "all_but");
    for (_, value) in lists {
        if let toml::Value::Array(fields) = value {
            fields.extend(hidden.iter().cloned().map(toml::Value::String));
        }
    }
}

/// The stage that takes out what is there for other stages alone.
fn cleaning(stages: &[Planned], place: Place) -> Option<Planned> {
    let fields = hidden(stages);
    let stage = || {
        let touched = Touched::Fields(fields.clone());
        Planned::new(place, "what is there for other stages alone", "remove", touched)
            .with("fields", list(fields.clone()))
    };
    (!fields.is_empty()).then(stage)
}

/// As many stages as a pipeline may have, and together as long.
fn bounded(translator: &mut Translator<'_>, mut stages: Vec<Planned>) -> Vec<Planned> {
    if stages.len() > STAGES_MAX {
        let place = stages[STAGES_MAX].place;
        let reason = format!("{} stages are more than {STAGES_MAX}; what comes from here on is left out", stages.len());
        translator.report.left(Where { place, plugin: "pipeline" }, None, reason);
        stages.truncate(STAGES_MAX);
    }
    while let Err(error) = Pipeline::from_toml(&body(&stages)) {
        let Some(last) = stages.pop() else { break };
        let at = Where { place: last.place, plugin: "pipeline" };
        translator.report.left(at, None, format!("the stage {} is left out: {}", last.kind, error.message));
    }
    stages
}

fn body(stages: &[Planned]) -> String {
    let stages: String = stages.iter().map(|stage| format!("\n{}", stage.to_toml())).collect();
    format!("version = 1\n{stages}")
}

/// The pipeline with what a reader should know above it.
fn written(import: &Import, name: &str, stages: &[Planned]) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let mut text = format!(
        "# From {name} by `vigie pipeline import`: {} of {} plugins, {} {}. Lines are those of that file.\n",
        import.translated,
        import.plugins,
        import.stages,
        if import.stages == 1 { "stage" } else { "stages" }
    );
    for finding in import.findings.iter().filter(|finding| finding.kind == FindingKind::NotTranslated) {
        let option = finding.option.as_ref().map(|option| format!(", {option}")).unwrap_or_default();
        let line = format!("Not translated, line {}: {}{option}: {}", finding.line, finding.plugin, finding.reason);
        text.push_str(&commented(&line));
    }
    if !import.settings.is_empty() {
        text.push_str("#\n# For vigie.toml:\n");
        import.settings.trim_end().lines().for_each(|line| text.push_str(&commented(line)));
    }
    text + &body(stages)
}

fn commented(line: &str) -> String {
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("# {line}").trim_end().to_owned() + "\n"
}
