//! `vigie pipeline import`: a configuration of Logstash made a pipeline, and a report of what could not be.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use vigie_pipeline::logstash::{Finding, FindingKind, Import, ImportOptions, LOGSTASH_BYTES_MAX, import};

use super::super::output::printable;
use super::super::{Console, Failure, Outcome};
use super::read;
use crate::config::Settings;
use crate::wire;

/// Bytes of one file of patterns, or of one dictionary.
const NAMED_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Files of a folder of patterns.
const NAMED_FILES_MAX: usize = 200;

pub(super) const EXAMPLES: &str = "\
Inputs become sections for vigie.toml, filters become stages, and what has no counterpart is listed with its line and
what to do instead. The pipeline that is written loads; try it by \"vigie pipeline test\" before it is in force.
Folders of patterns and dictionaries that the configuration names are read, relative ones beside the configuration.

Examples:
  vigie pipeline import logstash.conf --out pipeline.toml
  vigie pipeline import logstash.conf --set ENVIRONMENT=live --out pipeline.toml
  vigie pipeline import logstash.conf --strict --json > report.json";

/// What to import, and how.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct LogstashArguments {
    /// Configuration of Logstash; "-" is standard input.
    #[arg(value_name = "CONF")]
    file: PathBuf,
    /// Where the pipeline is written; without it, to standard output, and the report to standard error.
    #[arg(long, value_name = "TOML")]
    out: Option<PathBuf>,
    /// Replace the file that --out names, if there is one.
    #[arg(long, requires = "out")]
    force: bool,
    /// Value of a variable of the configuration, ${NAME}; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    set: Vec<(String, String)>,
    /// Fail, with exit code 1 and without writing anything, when something is not translated.
    #[arg(long)]
    strict: bool,
    /// Write the report as JSON, with the pipeline in it unless --out names its file.
    #[arg(long)]
    json: bool,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

pub(super) fn run(
    arguments: &LogstashArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let text = read(&arguments.file, LOGSTASH_BYTES_MAX)?;
    let folder = arguments.file.parent().unwrap_or(Path::new(""));
    let name = arguments.file.file_name().map_or("-".into(), |name| name.to_string_lossy());
    let read_named = |named: &str| texts(folder, Path::new(named));
    let options = ImportOptions { name: &name, variables: &arguments.set, read: &read_named };
    let imported = import(&text, &options)
        .map_err(|error| Failure::failed(format!("\"{}\", {error}", arguments.file.display())))?;
    // The same door that the pipeline will go through.
    wire::pipelines(settings).test(&imported.pipeline, "", wire::clock()())?;
    let is_refused = arguments.strict && imported.left_count() > 0;
    if let (Some(out), false) = (&arguments.out, is_refused) {
        write(out, &imported.pipeline, arguments.force)?;
    }
    show(arguments, &imported, is_refused, console)?;
    match is_refused {
        true => {
            let left = things(imported.left_count());
            Err(Failure::failed(format!("--strict: {left} not translated, so that nothing was written")))
        }
        false => Ok(Outcome::Done),
    }
}

fn show(
    arguments: &LogstashArguments,
    imported: &Import,
    is_refused: bool,
    console: &mut Console<'_>,
) -> std::io::Result<()> {
    if arguments.json {
        let mut report = json!({
            "plugins": imported.plugins,
            "translated": imported.translated,
            "stages": imported.stages,
            "not_translated": imported.left_count(),
            "settings": imported.settings,
            "findings": imported.findings,
        });
        if arguments.out.is_none() && !is_refused {
            report["pipeline"] = imported.pipeline.as_str().into();
        }
        return console.line(&format!("{report:#}"));
    }
    let is_alone = arguments.out.is_some() || is_refused;
    if !is_alone {
        console.write(&imported.pipeline)?;
    }
    let mut say = |line: &str| if is_alone { console.line(line) } else { console.note(line) };
    say(&summary(imported.translated, imported.plugins, imported.stages, imported.left_count()))?;
    for (kind, title) in
        [(FindingKind::NotTranslated, "Not translated:"), (FindingKind::Note, "Different, or done anyway:")]
    {
        let mut found = imported.findings.iter().filter(|finding| finding.kind == kind).peekable();
        if found.peek().is_some() {
            say("")?;
            say(title)?;
        }
        found.try_for_each(|finding| say(&line_of(finding)))?;
    }
    if !imported.settings.is_empty() {
        say("\nFor vigie.toml:")?;
        imported.settings.trim_end().lines().try_for_each(|line| say(&format!("  {}", printable(line))))?;
    }
    if let (Some(out), false) = (&arguments.out, is_refused) {
        say(&format!(
            "\nThe pipeline is in {}; try it by vigie pipeline test {} --input app.log",
            out.display(),
            out.display()
        ))?;
    }
    Ok(())
}

/// How much is translated, in one sentence.
fn summary(translated: usize, plugins: usize, stages: usize, left: usize) -> String {
    let of = match (translated, plugins) {
        (1, 1) => "The one plugin is".to_owned(),
        (1, _) => format!("1 of {plugins} plugins is"),
        (_, 1) => format!("{translated} of 1 plugin are"),
        _ => format!("{translated} of {plugins} plugins are"),
    };
    let stages = if stages == 1 { "1 stage".to_owned() } else { format!("{stages} stages") };
    format!("{of} translated, into {stages}; {} not.", things(left))
}

/// So many things, and the verb behind them.
fn things(count: usize) -> String {
    if count == 1 { "1 thing is".to_owned() } else { format!("{count} things are") }
}

fn line_of(finding: &Finding) -> String {
    let option = finding.option.as_ref().map(|option| format!(", {option}")).unwrap_or_default();
    printable(&format!("  line {}: {}{option}: {}", finding.line, finding.plugin, finding.reason))
}

/// Writes the pipeline; a file that is there stays, unless it may be replaced.
fn write(path: &Path, text: &str, is_forced: bool) -> Result<(), Failure> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    let opened = if is_forced { options.create(true).truncate(true) } else { options.create_new(true) }.open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::failed(format!("\"{}\" is there already; name another file, or add --force", path.display()))
        }
        _ => Failure::failed(format!("\"{}\" cannot be written: {error}", path.display())),
    })
}

/// The text of a file, or of each file in a folder, in the order of their names.
fn texts(beside: &Path, named: &Path) -> Result<Vec<String>, String> {
    let path = beside.join(named);
    let wrong = |error: &dyn std::fmt::Display| format!("\"{}\" cannot be read: {error}", path.display());
    if !path.is_dir() {
        return text(&path).map(|text| vec![text]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&path).map_err(|error| wrong(&error))? {
        let file = entry.map_err(|error| wrong(&error))?.path();
        if file.is_file() {
            files.push(file);
        }
        if files.len() > NAMED_FILES_MAX {
            return Err(format!(
                "\"{}\" has more than {NAMED_FILES_MAX} files; name a narrower folder",
                path.display()
            ));
        }
    }
    files.sort();
    files.iter().map(|file| text(file)).collect()
}

fn text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let opened = std::fs::File::open(path).and_then(|file| file.take(NAMED_BYTES_MAX + 1).read_to_string(&mut text));
    opened.map_err(|error| format!("\"{}\" cannot be read: {error}", path.display()))?;
    if text.len() as u64 > NAMED_BYTES_MAX {
        return Err(format!("\"{}\" has more than {NAMED_BYTES_MAX} bytes", path.display()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many_are_said_as_such() {
        assert_eq!(summary(1, 1, 1, 0), "The one plugin is translated, into 1 stage; 0 things are not.");
        assert_eq!(summary(1, 3, 1, 1), "1 of 3 plugins is translated, into 1 stage; 1 thing is not.");
        assert_eq!(summary(0, 1, 0, 1), "0 of 1 plugin are translated, into 0 stages; 1 thing is not.");
        assert_eq!(summary(3, 5, 7, 2), "3 of 5 plugins are translated, into 7 stages; 2 things are not.");
    }
}
