//! The command line: what it prints, how it ends.

use std::ffi::OsString;
use std::path::Path;

use vigie_server::cli::{Console, Outcome, run};
use vigie_server::config::{Environment, Settings};
use vigie_server::wire::Stores;

/// Outcome, standard output and standard error of a command.
pub(crate) fn vigie(arguments: &[&str]) -> (Outcome, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let arguments = std::iter::once("vigie").chain(arguments.iter().copied()).map(OsString::from);
    let outcome = run(arguments, &Environment::default(), &mut Console::new(&mut out, &mut err, false));
    (outcome, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn check_misused(arguments: &[&str], words: &str) {
    let (outcome, _, err) = vigie(arguments);
    assert_eq!(outcome, Outcome::Misused, "{arguments:?}: {err}");
    assert!(err.contains(words), "{arguments:?}: {err}");
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn help_has_examples_and_exit_codes() {
    let (outcome, out, _) = vigie(&["--help"]);
    assert_eq!(outcome, Outcome::Done);
    assert!(out.contains("Examples:") && out.contains("Exit codes:"), "{out}");
    for command in [
        "serve",
        "import",
        "query",
        "tail",
        "pipeline",
        "scrub",
        "backup",
        "restore",
        "lifecycle",
        "inspect",
        "agent",
        "generate",
        "config",
        "user",
        "completions",
    ] {
        let (outcome, out, _) = vigie(&[command, "--help"]);
        assert_eq!(outcome, Outcome::Done, "{command}");
        assert!(out.contains("Example"), "{command}: {out}");
    }
}

#[test]
fn wrong_arguments_are_named() {
    check_misused(&["serv"], "serve");
    check_misused(&["import"], "FILE");
    check_misused(&["import", "--type", "payments", "x"], "payments");
    check_misused(&["import", "--map", "a", "x"], "COLUMN=field");
    check_misused(&["query", "x", "--limit", "0"], "0");
    check_misused(&["serve", "--listen", "nowhere"], "server.listen");
    check_misused(&["config", "check", "--config", "/no/such/file.toml"], "/no/such/file.toml");
    check_misused(&["query", "x", "--url", "here"], "http://HOST:PORT");
    check_misused(&["tail", "--url", "ftp://here"], "http://HOST:PORT");
    check_misused(&["tail", "--limit", "0"], "0");
}

#[test]
fn a_pipeline_is_checked_and_tried() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = write(
        folder.path(),
        "default.toml",
        "version = 1\n[[stage]]\ntype = 'kv'\n[[stage]]\ntype = 'drop'\nwhen = 'a:2'\n",
    );
    let wrong = write(folder.path(), "wrong.toml", "version = 1\n[[stage]]\ntype = 'kv'\nfeild = 'x'\n");
    let input = write(folder.path(), "app.log", "words a=1\nwords a=2\n");
    let (outcome, out, _) = vigie(&["pipeline", "test", &pipeline]);
    assert_eq!((outcome, out.contains("can be used")), (Outcome::Done, true), "{out}");
    let (outcome, out, _) = vigie(&["pipeline", "test", &pipeline, "--input", &input]);
    assert_eq!(outcome, Outcome::Done);
    for line in ["line 1: words a=1", "  1. kv: changed", "  2. drop: skipped", "  2. drop: dropped", "  dropped"] {
        assert!(out.lines().any(|found| found == line), "{line} is missing in\n{out}");
    }
    let (outcome, _, err) = vigie(&["pipeline", "test", &wrong]);
    assert_eq!(outcome, Outcome::Failed);
    assert!(err.contains("stage 1 (kv), key \"feild\""), "{err}");
    let (outcome, _, err) = vigie(&["pipeline", "test", "/no/such.toml"]);
    assert_eq!((outcome, err.contains("/no/such.toml")), (Outcome::Failed, true), "{err}");
}

#[test]
fn settings_are_shown_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "my.toml", "[server]\nlisten = \"127.0.0.1:9\"\n");
    let (outcome, out, _) = vigie(&["config", "show", "--config", &file]);
    assert_eq!(outcome, Outcome::Done);
    assert!(out.contains(&format!("listen = \"127.0.0.1:9\"  # from \"{file}\"")), "{out}");
    assert!(out.contains("# Address and port to listen on."), "{out}");
    let (_, out, _) = vigie(&["config", "show", "--json", "--config", &file]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["server"]["listen"], "127.0.0.1:9");
    assert_eq!(vigie(&["config", "check", "--config", &file]).0, Outcome::Done);
    let wrong = write(folder.path(), "wrong.toml", "[server]\nlisten_on = \"x\"\n");
    check_misused(&["config", "check", "--config", &wrong], "did you mean \"server.listen\"");
}

#[test]
fn files_are_imported_once_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let file = write(
        folder.path(),
        "shop.ndjson",
        "{\"timestamp\":\"2020-05-01T10:00:00Z\",\"level\":\"ERROR\",\"service\":\"cart\",\"message\":\"basket lost\"}\n\
         {\"timestamp\":\"2020-05-01T10:00:01Z\",\"level\":\"INFO\",\"service\":\"cart\",\"message\":\"basket found\"}\n\
         {broken\n",
    );
    let import = ["import", "--data", &data, "--any-time", "--json", &file];
    let (outcome, out, err) = vigie(&import);
    assert_eq!(outcome, Outcome::DoneInPart, "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["records_processed"], &report["records_rejected"]), (&2.into(), &1.into()), "{report}");
    assert_eq!(report["rejects"][0]["line"], 3, "{report}");
    assert!(Path::new(&file).is_file(), "the user's own file was removed");

    let (_, out, _) = vigie(&import);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["duplicate_of_earlier"], true);
    assert!(Path::new(&file).is_file(), "the user's own file was removed");

    let (outcome, out, err) = vigie(&["query", "level:error", "--data", &data]);
    assert_eq!(outcome, Outcome::Done, "{err}");
    assert!(out.contains("2020-05-01T10:00:00.000Z ERROR") && out.contains("basket lost"), "{out}");
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(err.contains("1 events of 1 that match"), "{err}");
    let (_, out, _) = vigie(&["query", "", "--data", &data, "--json", "--limit", "1"]);
    let hit: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(hit["_source"]["message"], "basket found");

    let (outcome, _, err) = vigie(&["query", "level:(", "--data", &data]);
    assert_eq!(outcome, Outcome::Failed, "{err}");

    let by_level = "SELECT level, count(*) AS n FROM logs GROUP BY level ORDER BY level";
    let (outcome, out, err) = vigie(&["query", "--sql", by_level, "--data", &data]);
    assert_eq!((outcome, &*out), (Outcome::Done, "level  n\nERROR  1\nINFO   1\n"), "{err}");
    let (_, out, err) = vigie(&["query", "--sql", by_level, "--data", &data, "--json", "--limit", "1"]);
    assert_eq!(out, "{\"level\":\"ERROR\",\"n\":1}\n", "{err}");
    let (outcome, _, err) = vigie(&["query", "--sql", "SELECT servce FROM logs", "--data", &data]);
    assert_eq!(outcome, Outcome::Failed);
    assert!(err.contains("did you mean \"service\"?"), "{err}");
    check_misused(&["query", "--sql", "SELECT 1", "--from", "now-1h"], "--from");
}

#[test]
fn a_file_that_is_not_there_does_not_keep_the_others_out() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let file = write(folder.path(), "a.log", "a plain line\n");
    let gone = folder.path().join("gone.log").display().to_string();
    let (outcome, out, err) = vigie(&["import", "--data", &data, &gone, &file]);
    assert_eq!(outcome, Outcome::Failed);
    assert!(err.contains("gone.log") && out.contains("a.log: 1 records stored"), "{out}{err}");
}

#[test]
fn a_folder_in_use_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let flags = [("data.dir", folder.path().display().to_string())];
    let settings = Settings::load(None, &Environment::default(), &flags).unwrap();
    let _held = Stores::open(&settings, std::sync::Arc::new(|_| {})).unwrap();
    let (outcome, _, err) = vigie(&["query", "", "--data", &flags[0].1]);
    assert_eq!(outcome, Outcome::Failed);
    assert!(err.contains("in use by a running vigie") && err.contains("--url"), "{err}");
}

#[test]
fn users_are_added_and_get_new_passwords() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let add = ["user", "--data", &data, "add", "marie@example.com", "--role", "analyst", "--json"];
    let (outcome, out, err) = vigie(&add);
    assert_eq!(outcome, Outcome::Done, "{err}");
    let first: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(first["role"], "analyst");
    assert_eq!(vigie(&add).0, Outcome::Failed);
    let (outcome, out, _) = vigie(&["user", "--data", &data, "reset", "marie@example.com", "--json"]);
    assert_eq!(outcome, Outcome::Done);
    assert_ne!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["password"], first["password"]);
    assert_eq!(vigie(&["user", "--data", &data, "reset", "nobody@example.com"]).0, Outcome::Failed);
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    struct Gone;
    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    }
    let mut err = Vec::new();
    for arguments in [["generate", "--events", "9"].as_slice(), &["config", "show"], &["openapi"]] {
        let arguments = std::iter::once("vigie").chain(arguments.iter().copied()).map(OsString::from);
        let outcome = run(arguments, &Environment::default(), &mut Console::new(&mut Gone, &mut err, false));
        assert_eq!((outcome, String::from_utf8_lossy(&err)), (Outcome::Done, "".into()));
    }
}

#[test]
fn completions_and_the_api_document_are_written() {
    let (outcome, out, _) = vigie(&["completions", "bash"]);
    assert_eq!(outcome, Outcome::Done);
    assert!(out.contains("_vigie()"));
    let (outcome, out, _) = vigie(&["openapi"]);
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["openapi"], "3.1.0");
}

#[test]
fn a_scrub_says_what_is_damaged_and_sets_it_aside() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let (outcome, _, err) = vigie(&["scrub", "--data", &data]);
    assert!(outcome == Outcome::Failed && err.contains("name a data folder"), "{err}");
    let file = write(folder.path(), "a.log", "a plain line\nanother line\n");
    assert_eq!(vigie(&["import", "--data", &data, &file]).0, Outcome::Done);
    let (outcome, _, err) = vigie(&["scrub", "--data", &data]);
    assert_eq!(outcome, Outcome::Done, "{err}");
    assert!(err.contains("2 events in 1 parts") && err.contains("all as written"), "{err}");

    let (_, out, _) = vigie(&["scrub", "--data", &data, "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["damaged"], serde_json::json!([]));
    let day = std::fs::read_dir(folder.path().join("data/logs/indices")).unwrap().next().unwrap().unwrap().path();
    let files = std::fs::read_dir(day).unwrap().map(|entry| entry.unwrap().path());
    let part = files.into_iter().find(|path| path.extension().is_some_and(|found| found == "parquet")).unwrap();
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    let (outcome, out, err) = vigie(&["scrub", "--data", &data]);
    assert_eq!((outcome, outcome.exit_code()), (Outcome::Damaged, 4), "{err}");
    assert!(out.contains("damaged: indices/") && out.contains("at byte 0") && out.contains("2 events lost"), "{out}");
    let (outcome, out, _) = vigie(&["scrub", "--data", &data, "--set-aside"]);
    assert!(outcome == Outcome::Damaged && out.contains("set aside: logs/damaged/"), "{out}");
    assert_eq!(vigie(&["scrub", "--data", &data]).0, Outcome::Done);
    let (outcome, _, err) = vigie(&["query", "", "--data", &data]);
    assert!(outcome == Outcome::Done && err.contains("0 events"), "{err}");
}

#[test]
fn a_data_folder_is_backed_up_and_restored() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (data, backups, restored) = (path("data"), path("backups"), path("restored"));
    let backup = ["backup", "--data", &data, "--to", &backups];
    assert_eq!(vigie(&backup).0, Outcome::Failed);
    check_misused(&["backup", "--data", &data], "--to");
    let file = write(folder.path(), "a.log", "a plain line\nanother line\n");
    assert_eq!(vigie(&["import", "--data", &data, &file]).0, Outcome::Done);
    let (outcome, out, err) = vigie(&backup);
    assert_eq!(outcome, Outcome::Done, "{err}");
    assert!(out.contains("backup 1: 2 events"), "{out}");
    let (outcome, out, err) = vigie(&["restore", "--from", &backups, "--data", &restored]);
    assert_eq!(outcome, Outcome::Done, "{err}");
    assert!(out.contains("2 events restored"), "{out}");
    let (_, _, err) = vigie(&["query", "", "--data", &restored]);
    assert!(err.contains("2 events of 2 that match"), "{err}");
    let (outcome, _, err) = vigie(&["restore", "--from", &backups, "--data", &data]);
    assert!(outcome == Outcome::Failed && err.contains("is not empty"), "{err}");
}

#[test]
fn an_index_is_explained_held_and_released() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let line = "{\"timestamp\":\"2020-05-01T10:00:00Z\",\"service\":\"cart\",\"message\":\"basket lost\"}\n";
    let file = write(folder.path(), "old.ndjson", line);
    assert_eq!(vigie(&["import", "--data", &data, "--any-time", &file]).0, Outcome::Done);
    let lifecycle = |arguments: &[&str]| vigie(&[&["lifecycle", "--data", &data], arguments].concat());
    let (outcome, out, err) = lifecycle(&["explain"]);
    assert_eq!(outcome, Outcome::Done, "{err}");
    assert!(out.contains("ecommerce-logs-2020.05.01: 1 events in 1 parts"), "{out}");
    assert!(out.contains("deleted: it is then 90 days old"), "{out}");
    let (outcome, out, err) = lifecycle(&["hold", "ecommerce-logs-2020.05.01"]);
    assert!(outcome == Outcome::Done && out.contains("is held"), "{err}");
    let (_, out, _) = lifecycle(&["explain", "2020.05.01", "--json"]);
    let outlook: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&outlook["is_held"], outlook["steps"].as_array().unwrap().len()), (&true.into(), 1), "{outlook}");
    assert_eq!(lifecycle(&["release", "2020.05.01"]).0, Outcome::Done);
    assert_eq!(lifecycle(&["release", "2020.05.01"]).0, Outcome::Failed);
    assert_eq!(lifecycle(&["hold", "2020.05.02"]).0, Outcome::Failed);
    check_misused(&["lifecycle", "hold", "yesterday"], "YYYY.MM.DD");
}

#[test]
fn parts_are_inspected_and_queries_explained() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let line = "{\"timestamp\":\"2020-05-01T10:00:00Z\",\"service\":\"cart\",\"message\":\"basket lost\"}\n";
    let file = write(folder.path(), "old.ndjson", line);
    assert_eq!(vigie(&["import", "--data", &data, "--any-time", &file]).0, Outcome::Done);
    let (outcome, out, err) = vigie(&["inspect", "--data", &data]);
    assert_eq!(outcome, Outcome::Done, "{err}");
    assert!(out.starts_with("2020.05.01/") && err.contains("1 events in 1 parts"), "{out}{err}");
    let name = out.split(':').next().unwrap().to_owned();
    let (_, out, _) = vigie(&["inspect", &name, "--data", &data]);
    assert!(out.contains("  message ") && out.contains("wrongly yes in"), "{out}");
    let (_, out, _) = vigie(&["inspect", "--data", &data, "--query", "message:gateway AND service:cart"]);
    assert!(out.contains("words and values leave 0 for message:gateway"), "{out}");
    assert!(out.contains("leaves out none for service:cart") && out.contains("nothing of it is read"), "{out}");
    let (_, out, _) = vigie(&["inspect", "--data", &data, "--query", "", "--from", "now-1d", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["plan"]["pages_in_time"], 0, "{out}");
    assert_eq!(vigie(&["inspect", "nowhere", "--data", &data]).0, Outcome::Failed);
    assert_eq!(vigie(&["inspect", "--data", &data, "--query", "level:("]).0, Outcome::Misused);
}

const LOGSTASH: &str = "input { tcp { port => 6000 } }
filter {
  grok { patterns_dir => \"patterns\" match => { \"message\" => \"^%{CART:cart} %{WORD:what}$\" } }
  if [what] == \"left\" { mutate { add_field => { \"env\" => \"${ENV}\" } } }
  ruby { code => \"event.cancel\" }
}
";

#[test]
fn a_configuration_of_logstash_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "logstash.conf", LOGSTASH);
    std::fs::create_dir(folder.path().join("patterns")).unwrap();
    write(&folder.path().join("patterns"), "shop", "CART c-\\d+\n");
    let out_file = folder.path().join("pipeline.toml").display().to_string();

    let (outcome, out, err) = vigie(&["pipeline", "import", &file, "--out", &out_file, "--set", "ENV=live"]);
    assert_eq!(outcome, Outcome::Done, "{err}");
    for piece in ["3 of 4 plugins", "line 5: ruby: code is not run", "listen = \"0.0.0.0:6000\""] {
        assert!(out.contains(piece), "{piece} is missing in\n{out}");
    }
    let input = write(folder.path(), "app.log", "c-7 left\nwords of another kind\n");
    let (outcome, out, _) = vigie(&["pipeline", "test", &out_file, "--input", &input]);
    assert_eq!(outcome, Outcome::Done);
    assert!(out.contains("\"cart\":\"c-7\",\"what\":\"left\",\"env\":\"live\""), "{out}");

    let (outcome, _, err) = vigie(&["pipeline", "import", &file, "--out", &out_file]);
    assert_eq!((outcome, err.contains("--force")), (Outcome::Failed, true), "{err}");
    let (outcome, out, err) = vigie(&["pipeline", "import", &file, "--strict", "--json"]);
    assert_eq!((outcome, err.contains("--strict: 2 things")), (Outcome::Failed, true), "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["not_translated"], 2);
    let findings = report["findings"].as_array().unwrap().iter();
    let found: Vec<_> = findings.map(|finding| (finding["line"].as_u64(), finding["kind"].as_str())).collect();
    let expected = [(1, "note"), (4, "not_translated"), (5, "not_translated")];
    assert_eq!(found, expected.map(|(line, kind)| (Some(line), Some(kind))), "{out}");
    assert_eq!(report.get("pipeline"), None);
    let (_, out, _) = vigie(&["pipeline", "import", &file]);
    assert!(out.starts_with("# From logstash.conf") && out.contains("[[stage]]"), "{out}");
    let broken = write(folder.path(), "broken.conf", "filter {\n  grok\n}\n");
    let (outcome, _, err) = vigie(&["pipeline", "import", &broken]);
    assert_eq!(
        (outcome, err.contains("line 3, column 1: \"{\" after grok is expected")),
        (Outcome::Failed, true),
        "{err}"
    );
    let (outcome, out, _) = vigie(&["pipeline", "import", "--help"]);
    assert_eq!((outcome, out.contains("Examples:")), (Outcome::Done, true));
}

#[test]
fn imported_settings_are_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(
        folder.path(),
        "logstash.conf",
        "input { beats { port => 5045 } syslog { port => 5515 } gelf { } file { path => \"/var/log/shop/*.log\" } udp { } }",
    );
    let (_, out, _) = vigie(&["pipeline", "import", &file, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let settings = write(folder.path(), "vigie.toml", report["settings"].as_str().unwrap());
    let (outcome, out, err) = vigie(&["config", "check", "--config", &settings]);
    assert_eq!(outcome, Outcome::Done, "{out}{err}\n{}", report["settings"]);
}
