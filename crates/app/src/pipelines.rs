//! The pipeline that is in force: read from a folder, read again when a file there changes, tried on lines before it is.
//!
//! A file that cannot be used changes nothing: the pipeline before it stays in force, and what is wrong is told. Nothing here
//! watches by itself: whoever serves calls [`Pipelines::refresh`].

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use vigie_domain::{Error, Result, Timestamp};
use vigie_pipeline::{
    DecodeOptions, GeoDatabase, Lookups, PIPELINE_BYTES_MAX, Pipeline, Redactor, TracedRecord, trace_bytes,
};

use crate::ingest::PipelineChoice;

/// Card numbers of a trial are hashed under this key: a trial is not to tell the hashes that the store has.
const TRIAL_KEY: [u8; 32] = [0; 32];
/// The name of the pipeline of all events.
const DEFAULT_NAME: &str = "default";
/// The pipeline of all events.
pub const DEFAULT_FILE: &str = "default.toml";
/// Pipelines beside it that requests may name.
const NAMED_MAX: usize = 100;
/// Tables that stages may name, and bytes of all of them.
const TABLES_MAX: usize = 20;
const TABLES_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of a database of places.
const DATABASE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Records that a pipeline is tried on at once.
pub const TESTED_RECORDS_MAX: usize = 100;
/// Bytes of them.
pub const TESTED_BYTES_MAX: usize = 1024 * 1024;

/// The pipeline in force.
#[derive(Debug)]
pub struct Pipelines {
    folder: Option<PathBuf>,
    databases: Vec<PathBuf>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    pipeline: Arc<Pipeline>,
    named: BTreeMap<String, Named>,
    lookups: Arc<Lookups>,
    pipeline_mark: Option<Mark>,
    database_marks: Vec<Option<Mark>>,
    table_marks: Vec<(PathBuf, Mark)>,
    loaded_at: Option<Timestamp>,
    pipeline_error: Option<String>,
    database_errors: Vec<String>,
}

/// A pipeline that requests may name.
#[derive(Debug)]
struct Named {
    mark: Mark,
    /// `None` while its file cannot be used and could not be before.
    pipeline: Option<Arc<Pipeline>>,
    error: Option<String>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    modified: SystemTime,
    size_bytes: u64,
}

impl Mark {
    /// `None` when there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        Some(Self { modified: metadata.modified().ok()?, size_bytes: metadata.len() })
    }
}

/// What is in force, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineStatus {
    /// Its file's name without the ending.
    pub name: String,
    /// Stages in force; 0 without a file.
    pub stage_count: usize,
    /// When the stages in force were read; `None` without a file.
    pub loaded_at: Option<Timestamp>,
    /// Why what lies on the disk is not in force.
    pub errors: Vec<String>,
}

impl Default for Pipelines {
    fn default() -> Self {
        Self::of(None, Vec::new())
    }
}

impl Pipelines {
    /// The pipeline in this folder, and databases of places; nothing is read before the first refresh.
    pub fn of(folder: Option<PathBuf>, databases: Vec<PathBuf>) -> Self {
        let lookups = Arc::new(Lookups::default());
        let state = State {
            pipeline: Arc::new(Pipeline::of_defaults(Arc::clone(&lookups))),
            named: BTreeMap::new(),
            lookups,
            pipeline_mark: None,
            database_marks: vec![None; databases.len()],
            table_marks: Vec::new(),
            loaded_at: None,
            pipeline_error: None,
            database_errors: Vec::new(),
        };
        Self { folder, databases, state: RwLock::new(state) }
    }

    /// What becomes of events that arrive now.
    pub fn current(&self) -> Arc<Pipeline> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).pipeline)
    }

    /// The pipeline that a request chose.
    pub fn chosen(&self, choice: &PipelineChoice) -> Arc<Pipeline> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match choice {
            PipelineChoice::Default => Arc::clone(&state.pipeline),
            PipelineChoice::NoStages => Arc::new(Pipeline::of_defaults(Arc::clone(&state.lookups))),
            PipelineChoice::Named(name) => {
                let named = state.named.get(name).and_then(|named| named.pipeline.as_ref());
                Arc::clone(named.unwrap_or(&state.pipeline))
            }
        }
    }

    /// Whether there is a pipeline of this name.
    pub fn has(&self, name: &str) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        name == DEFAULT_NAME || state.named.get(name).is_some_and(|named| named.pipeline.is_some())
    }

    /// What is in force, and what is wrong.
    pub fn status(&self) -> PipelineStatus {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let of_named = state.named.values().filter_map(|named| named.error.as_ref());
        let errors = state.pipeline_error.iter().chain(of_named).chain(&state.database_errors).cloned().collect();
        PipelineStatus {
            name: DEFAULT_NAME.to_owned(),
            stage_count: state.pipeline.stage_count(),
            loaded_at: state.loaded_at,
            errors,
        }
    }

    /// Looks at the files, and reads what has changed; what is wrong with it, if it is news. It blocks on files.
    pub fn refresh(&self, now: Timestamp) -> Vec<String> {
        let file = self.folder.as_ref().map(|folder| folder.join(DEFAULT_FILE));
        let pipeline_mark = file.as_deref().and_then(Mark::of);
        let database_marks: Vec<_> = self.databases.iter().map(|path| Mark::of(path)).collect();
        let files = |ending, count_max| self.folder.as_deref().map(|folder| files_in(folder, ending, count_max));
        let table_marks = files("csv", TABLES_MAX).unwrap_or_default();
        let named_files = files("toml", NAMED_MAX).unwrap_or_default();
        let (has_new_file, has_new_databases, lookups) = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            // A database that is missing from the start is told once, too.
            let is_first = state.database_errors.is_empty() && database_marks.iter().any(Option::is_none);
            let has_new_databases =
                state.database_marks != database_marks || state.table_marks != table_marks || is_first;
            (state.pipeline_mark != pipeline_mark, has_new_databases, Arc::clone(&state.lookups))
        };
        if !has_new_file && !has_new_databases {
            return self.refresh_named(&named_files, None);
        }
        let (lookups, database_errors) =
            if has_new_databases { self.read_lookups(&table_marks) } else { (lookups, Vec::new()) };
        let read = match (&file, pipeline_mark) {
            (Some(file), Some(_)) => read_pipeline(file, &lookups).map(|pipeline| (pipeline, Some(now))),
            _ => Ok((Pipeline::of_defaults(Arc::clone(&lookups)), None)),
        };
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if has_new_databases {
            state.database_marks = database_marks;
            state.table_marks = table_marks;
            state.database_errors.clone_from(&database_errors);
            state.lookups = Arc::clone(&lookups);
        }
        state.pipeline_mark = pipeline_mark;
        let mut news = database_errors;
        match read {
            Ok((pipeline, loaded_at)) => {
                state.pipeline = Arc::new(pipeline);
                state.loaded_at = loaded_at;
                state.pipeline_error = None;
            }
            Err(error) => {
                news.push(error.clone());
                state.pipeline_error = Some(error);
            }
        }
        drop(state);
        news.extend(self.refresh_named(&named_files, has_new_databases.then_some(lookups)));
        news
    }

    /// Reads the pipelines that requests may name, as far as they have changed; all of them when there are new lookups.
    fn refresh_named(&self, files: &[(PathBuf, Mark)], new_lookups: Option<Arc<Lookups>>) -> Vec<String> {
        let (mut news, mut read) = (Vec::new(), BTreeMap::new());
        let lookups = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            new_lookups.as_ref().map_or_else(|| Arc::clone(&state.lookups), Arc::clone)
        };
        for (path, mark) in files {
            let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|name| *name != DEFAULT_NAME)
            else {
                continue;
            };
            let is_read = {
                let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
                new_lookups.is_none() && state.named.get(name).is_some_and(|named| named.mark == *mark)
            };
            let outcome = (!is_read).then(|| read_pipeline(path, &lookups));
            read.insert(name.to_owned(), (*mark, outcome));
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.named.retain(|name, _| read.contains_key(name));
        for (name, (mark, outcome)) in read {
            let Some(outcome) = outcome else { continue };
            let before = state.named.remove(&name).and_then(|named| named.pipeline);
            let (pipeline, error) = match outcome {
                Ok(pipeline) => (Some(Arc::new(pipeline)), None),
                Err(error) => (before, Some(error)),
            };
            news.extend(error.clone());
            state.named.insert(name, Named { mark, pipeline, error });
        }
        news
    }

    /// The databases and tables that can be read, and what is wrong with the others.
    fn read_lookups(&self, tables: &[(PathBuf, Mark)]) -> (Arc<Lookups>, Vec<String>) {
        let (mut databases, mut errors) = (Vec::new(), Vec::new());
        for path in &self.databases {
            match read_database(path) {
                Ok(database) => databases.push(database),
                Err(error) => errors.push(format!("the database \"{}\" is not used: {error}", path.display())),
            }
        }
        let tables = read_tables(tables, &mut errors);
        (Arc::new(Lookups::new(databases).with_tables(tables)), errors)
    }

    /// What a pipeline would do with the first records of a text; nothing is stored. It is CPU time: call it beside the runtime.
    ///
    /// # Errors
    /// `Invalid` when the pipeline cannot be used, `TooLarge` for too long a text, else as decoding.
    pub fn test(&self, pipeline: &str, lines: &str, now: Timestamp) -> Result<Vec<TracedRecord>> {
        if lines.len() > TESTED_BYTES_MAX {
            let message = format!("the lines have {} bytes, more than {TESTED_BYTES_MAX}; send fewer", lines.len());
            return Err(Error::new(vigie_domain::ErrorKind::TooLarge, message));
        }
        let lookups = Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).lookups);
        let pipeline = Pipeline::read(pipeline, &lookups).map_err(|error| Error::invalid(error.to_string()))?;
        let redactor = Redactor::new(&TRIAL_KEY).map_err(|error| Error::internal(error.to_string()))?;
        let options =
            DecodeOptions { pipeline: Some(Arc::new(pipeline)), ..DecodeOptions::new(now, Arc::new(redactor)) };
        Ok(trace_bytes(lines.as_bytes(), &options, TESTED_RECORDS_MAX)?)
    }
}

/// The first files of a folder with this ending, in the order of their names.
fn files_in(folder: &Path, ending: &str, count_max: usize) -> Vec<(PathBuf, Mark)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    paths.sort();
    paths.into_iter().filter_map(|path| Some((path.clone(), Mark::of(&path)?))).take(count_max).collect()
}

fn read_tables(tables: &[(PathBuf, Mark)], errors: &mut Vec<String>) -> BTreeMap<String, Arc<str>> {
    let mut read = BTreeMap::new();
    let mut left = TABLES_BYTES_MAX;
    for (path, _) in tables {
        let mut text = String::new();
        let outcome = std::fs::File::open(path).and_then(|file| file.take(left + 1).read_to_string(&mut text));
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        match outcome {
            Ok(bytes) if bytes as u64 <= left => {
                left -= bytes as u64;
                read.insert(name.to_owned(), text.into());
            }
            Ok(_) => errors.push(format!(
                "the table \"{}\" is not used: all tables have more than {TABLES_BYTES_MAX} bytes",
                path.display()
            )),
            Err(error) => errors.push(format!("the table \"{}\" is not used: {error}", path.display())),
        }
    }
    read
}

fn read_pipeline(file: &Path, lookups: &Arc<Lookups>) -> std::result::Result<Pipeline, String> {
    let wrong = |error: &dyn std::fmt::Display| {
        format!("the pipeline \"{}\" is not used, the one before it stays in force: {error}", file.display())
    };
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(|error| wrong(&error))?;
    opened.take(PIPELINE_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(|error| wrong(&error))?;
    Pipeline::read(&text, lookups).map_err(|error| wrong(&error))
}

fn read_database(path: &Path) -> std::result::Result<GeoDatabase, String> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).map_err(|error| error.to_string())?;
    opened.take(DATABASE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > DATABASE_BYTES_MAX {
        return Err(format!("it has more than {DATABASE_BYTES_MAX} bytes"));
    }
    GeoDatabase::read(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_shop::NOW;

    const ONE: &str = "version = 1\n[[stage]]\ntype = 'drop'\nwhen = 'level:debug'\n";

    /// A file whose time differs from all before it.
    fn write(folder: &Path, text: &str) {
        std::fs::write(folder.join(DEFAULT_FILE), text).unwrap();
    }

    #[test]
    fn a_file_comes_into_force_and_a_bad_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let pipelines = Pipelines::of(Some(folder.path().to_owned()), Vec::new());
        assert!(pipelines.refresh(NOW).is_empty());
        assert_eq!((pipelines.status().stage_count, pipelines.status().loaded_at), (0, None));

        write(folder.path(), ONE);
        assert!(pipelines.refresh(NOW).is_empty());
        assert_eq!((pipelines.status().stage_count, pipelines.status().loaded_at), (1, Some(NOW)));
        let before = pipelines.current();
        assert!(pipelines.refresh(NOW).is_empty());
        assert!(Arc::ptr_eq(&before, &pipelines.current()), "what has not changed is not read again");

        write(folder.path(), "version = 1\n[[stage]]\ntype = 'dorp'\n");
        assert!(pipelines.refresh(NOW)[0].contains("\"dorp\" is no stage"));
        assert!(pipelines.refresh(NOW).is_empty(), "it is told once");
        assert_eq!((pipelines.status().stage_count, pipelines.status().errors.len()), (1, 1));

        std::fs::remove_file(folder.path().join(DEFAULT_FILE)).unwrap();
        assert!(pipelines.refresh(NOW).is_empty());
        assert_eq!((pipelines.status().stage_count, pipelines.status().errors.len()), (0, 0));
    }

    #[test]
    fn requests_may_name_another_pipeline_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let pipelines = Pipelines::of(Some(folder.path().to_owned()), Vec::new());
        write(folder.path(), ONE);
        let path = folder.path().join("orders.toml");
        std::fs::write(&path, format!("{ONE}[[stage]]\ntype = 'json'\n")).unwrap();
        assert!(pipelines.refresh(NOW).is_empty());
        let count = |choice: &str| {
            let choice =
                if choice == "_none" { PipelineChoice::NoStages } else { PipelineChoice::Named(choice.into()) };
            pipelines.chosen(&choice).stage_count()
        };
        assert_eq!((count("orders"), count("_none"), count("unknown")), (2, 0, 1));
        assert_eq!((pipelines.has("orders"), pipelines.has("default"), pipelines.has("unknown")), (true, true, false));
        std::fs::write(&path, "version = 7").unwrap();
        assert_eq!(pipelines.refresh(NOW).len(), 1);
        assert!(pipelines.refresh(NOW).is_empty(), "it is told once");
        assert_eq!((count("orders"), pipelines.status().errors.len()), (2, 1), "the one before it stays in force");
        std::fs::remove_file(&path).unwrap();
        assert!(pipelines.refresh(NOW).is_empty());
        assert_eq!((count("orders"), pipelines.status().errors.len()), (1, 0));
    }

    #[test]
    fn a_database_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("city.mmdb");
        let pipelines = Pipelines::of(None, vec![path.clone()]);
        assert!(pipelines.refresh(NOW)[0].contains("city.mmdb"));
        assert!(pipelines.refresh(NOW).is_empty());
        std::fs::write(&path, "no database").unwrap();
        assert!(pipelines.refresh(NOW)[0].contains("no MaxMind database"));
        assert_eq!(pipelines.status().errors.len(), 1);
    }

    #[test]
    fn a_table_beside_it_is_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = "version = 1\n[[stage]]\ntype = 'bin_lookup'\ntable = 'bins.csv'\n";
        write(folder.path(), pipeline);
        let pipelines = Pipelines::of(Some(folder.path().to_owned()), Vec::new());
        assert!(pipelines.refresh(NOW)[0].contains("\"bins.csv\" is not beside the pipeline"));
        let issuer = |text: &str| {
            std::fs::write(folder.path().join("bins.csv"), text).unwrap();
            assert_eq!(pipelines.refresh(NOW), Vec::<String>::new());
            let records = pipelines.test(pipeline, "{\"card_bin\":\"411111\"}", NOW).unwrap();
            serde_json::to_string(&vigie_domain::Value::Object(records[0].events[0].body.clone())).unwrap()
        };
        assert!(issuer("bin,issuer\n411111,First\n").contains("\"issuer\":\"First\""));
        assert!(issuer("bin,issuer\n411111,Second bank\n").contains("\"issuer\":\"Second bank\""));
        assert_eq!(pipelines.status().stage_count, 1);
        std::fs::write(folder.path().join("bins.csv"), "bin\nx\n").unwrap();
        assert!(pipelines.refresh(NOW)[0].contains("line 2"), "the pipeline before it stays in force");
        assert_eq!(pipelines.status().stage_count, 1);
    }

    #[test]
    fn a_pipeline_is_tried_on_lines() {
        let pipelines = Pipelines::default();
        let records = pipelines.test(ONE, "{\"level\":\"debug\"}\n{\"level\":\"info\"}\n", NOW).unwrap();
        let did: Vec<&str> = records.iter().map(|record| record.steps[0].did).collect();
        assert_eq!(did, ["dropped", "skipped"]);
        let lines = "{\"a\":1}\n".repeat(TESTED_RECORDS_MAX + 5);
        assert_eq!(pipelines.test(ONE, &lines, NOW).unwrap().len(), TESTED_RECORDS_MAX);
        let kind = |pipeline: &str, lines: &str| pipelines.test(pipeline, lines, NOW).unwrap_err().kind;
        assert_eq!(kind("version = 2", "{}"), vigie_domain::ErrorKind::Invalid);
        assert_eq!(kind(ONE, &"x".repeat(TESTED_BYTES_MAX + 1)), vigie_domain::ErrorKind::TooLarge);
    }
}
