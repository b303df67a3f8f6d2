//! `rest-tests`: runs the public REST tests against a server and prints a table of what passed.
#![allow(clippy::print_stdout, reason = "the table is what the program is for")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::Parser;
use vigie_testkit::rest_tests::table::{Skipped, by_folder, not_passed, percent_passed};
use vigie_testkit::rest_tests::{
    Apis, HttpClient, Outcome, Outgoing, Reasons, Reset, Runner, SectionResult, Suite, Transport, Version,
};

/// Runs the public REST tests (YAML) of OpenSearch and Elasticsearch against a server. It deletes every index and template of the server.
#[derive(Parser)]
struct Arguments {
    /// Of the server, such as http://127.0.0.1:9200 or http://127.0.0.1:8642/elasticsearch
    #[arg(long)]
    url: String,
    /// `user:password`
    #[arg(long)]
    auth: Option<String>,
    /// The folder of tests, one folder per call in it
    #[arg(long)]
    tests: PathBuf,
    /// The folder of descriptions of calls
    #[arg(long)]
    api: PathBuf,
    /// Only files whose path below the folder of tests begins so; may be repeated
    #[arg(long)]
    only: Vec<String>,
    /// A list of documented differences
    #[arg(long)]
    reasons: Option<PathBuf>,
    /// The version that the server is taken for; else it is asked
    #[arg(long)]
    version: Option<String>,
    /// Run by `sh -c` when the server refuses to be emptied by its own calls: makes it anew, and returns once it answers
    #[arg(long)]
    reset: Option<String>,
    /// Lists the sections that were left out too
    #[arg(long)]
    skipped: bool,
    /// Ends with an error when fewer percent of the sections pass
    #[arg(long, default_value_t = 0)]
    at_least: usize,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            tell(&error);
            ExitCode::from(2)
        }
    }
}

#[allow(clippy::print_stderr, reason = "errors of a program for the command line go there")]
fn tell(error: &str) {
    eprintln!("rest-tests: {error}");
}

fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let client = HttpClient::new(&arguments.url, arguments.auth.as_deref());
    let apis = Apis::read(&arguments.api)?;
    let reasons = match &arguments.reasons {
        Some(path) => Reasons::parse(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))?,
        None => Reasons::default(),
    };
    let version = match &arguments.version {
        Some(text) => Version::parse(text)?,
        None => version_of(&client)?,
    };
    let reset = || arguments.reset.as_deref().map_or(Ok(()), run_command);
    let reset: Option<Reset<'_>> = arguments.reset.is_some().then_some(&reset);
    let runner = Runner { transport: &client, apis: &apis, version, reasons: &reasons, reset };
    let mut results: Vec<SectionResult> = Vec::new();
    for (name, path) in files(&arguments.tests, &arguments.only)? {
        match Suite::parse(&read(&path)?) {
            Ok(suite) => results.extend(runner.run(&name, &suite)),
            Err(error) => {
                let outcome = Outcome::Failed(format!("the file cannot be read: {error}"));
                results.push(SectionResult { name: format!("{name}: all sections"), outcome });
            }
        }
    }
    runner.clean()?;
    let skipped = if arguments.skipped { Skipped::Shown } else { Skipped::Counted };
    println!("{}\n{}", not_passed(&results, skipped), by_folder(&results));
    let is_enough = percent_passed(&results) >= arguments.at_least;
    Ok(if is_enough { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_command(command: &str) -> Result<(), String> {
    let status = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).status();
    match status.map_err(|error| format!("\"{command}\" cannot be run: {error}"))? {
        status if status.success() => Ok(()),
        status => Err(format!("\"{command}\" failed: {status}")),
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn version_of(client: &HttpClient) -> Result<Version, String> {
    let answer = client.send(&Outgoing { method: "GET".to_owned(), path: "/".to_owned(), ..Outgoing::default() })?;
    let value = answer.value();
    let number = value.pointer("/version/number").and_then(|number| number.as_str());
    Version::parse(number.ok_or_else(|| format!("the server tells no version: {} {value}", answer.status))?)
}

/// Files of tests as `folder/file` without its end, sorted.
fn files(tests: &Path, only: &[String]) -> Result<Vec<(String, PathBuf)>, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", tests.display());
    let (mut folders, mut found) = (vec![tests.to_path_buf()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                let below = path.strip_prefix(tests).unwrap_or(&path).with_extension("");
                found.push((below.to_string_lossy().into_owned(), path));
            }
        }
    }
    found.retain(|(name, _)| only.is_empty() || only.iter().any(|only| name.starts_with(only.as_str())));
    found.sort();
    if found.is_empty() {
        return Err(format!("{} holds no tests (*.yml) of that name", tests.display()));
    }
    Ok(found)
}
