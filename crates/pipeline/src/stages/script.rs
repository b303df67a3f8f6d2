//! `script`: what no other stage can do, in Rhai. The event is a map that the script changes.
//!
//! A script reaches nothing but the event: no file, no network, no clock, no environment, no other module. Its operations, its
//! depth and the sizes of its values are bounded; one that fails or goes beyond leaves the event as it was.

use std::sync::Arc;

use rhai::{AST, Array, Dynamic, Engine, EvalAltResult, FLOAT, INT, ImmutableString, Map, OptimizationLevel, Scope};
use vigie_domain::{Event, Object, Text, Value};

use super::error::PipelineError;
use super::options::Options;
use super::{Memory, Outcome, Stage};

/// Steps of one run unless the pipeline says otherwise, and at most.
const OPERATIONS: u64 = 100_000;
const OPERATIONS_MAX: u64 = 10_000_000;
/// Functions that call each other.
const CALLS_MAX: usize = 32;
/// Expressions within expressions, outside and within functions.
const DEPTH_MAX: (usize, usize) = (64, 32);
/// Bytes of a text, and items of a list or a map, that a script makes.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
const ITEMS_MAX: usize = 10_000;
const VARIABLES_MAX: usize = 200;
const FUNCTIONS_MAX: usize = 100;
/// Bytes of a script.
const SOURCE_BYTES_MAX: usize = 64 * 1024;
/// Objects and lists within each other that a script leaves; events have no more.
const NESTED_MAX: usize = 20;
/// What the event is called.
const EVENT: &str = "event";
/// What a script may not do although Rhai could: text that is run is hidden from the compiler.
const EVAL: &str = "eval";

struct Script {
    engine: Arc<Engine>,
    program: AST,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script").finish_non_exhaustive()
    }
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let source = options.needed_text("source", "'event.total = event.price * event.count;'")?;
    let operations = options.count("operations", (100, OPERATIONS_MAX), OPERATIONS)?;
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("the script has {} bytes, more than {SOURCE_BYTES_MAX}", source.len());
        return Err(options.error("source", message));
    }
    let engine = engine(operations);
    let program = engine.compile(&source).map_err(|error| options.error("source", format!("{error}")))?;
    Ok(Box::new(Script { engine: Arc::new(engine), program }))
}

fn engine(operations: u64) -> Engine {
    let mut engine = Engine::new();
    engine
        .set_optimization_level(OptimizationLevel::Simple)
        .set_max_operations(operations)
        .set_max_call_levels(CALLS_MAX)
        .set_max_expr_depths(DEPTH_MAX.0, DEPTH_MAX.1)
        .set_max_string_size(TEXT_BYTES_MAX)
        .set_max_array_size(ITEMS_MAX)
        .set_max_map_size(ITEMS_MAX)
        .set_max_variables(VARIABLES_MAX)
        .set_max_functions(FUNCTIONS_MAX)
        .on_print(|_| {})
        .on_debug(|_, _, _| {});
    engine.disable_symbol(EVAL);
    // In the place of Rhai's own, which wait: that is no operation that is counted.
    engine.register_fn("sleep", |_: INT| never_waits()).register_fn("sleep", |_: FLOAT| never_waits());
    engine
}

fn never_waits() -> Result<(), Box<EvalAltResult>> {
    Err("a script cannot wait".into())
}

impl Stage for Script {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let mut scope = Scope::new();
        scope.push_dynamic(EVENT, Dynamic::from_map(map_of(&event.body)));
        if self.engine.run_ast_with_scope(&mut scope, &self.program).is_err() {
            return Outcome::Failed;
        }
        let changed = scope.remove::<Map>(EVENT).and_then(|map| object_of(&event.body, map, NESTED_MAX));
        match changed {
            Some(body) => {
                event.body = body;
                Outcome::Keep
            }
            // It holds what no event can, such as a function, or is no map any more.
            None => Outcome::Failed,
        }
    }

    fn failure_tag(&self) -> &'static str {
        "_scripterror"
    }
}

fn map_of(object: &Object) -> Map {
    object.iter().map(|(name, value)| (name.clone(), dynamic_of(value))).collect()
}

fn dynamic_of(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => Dynamic::from_bool(*flag),
        Value::Int(number) => Dynamic::from_int(*number),
        Value::Float(number) => Dynamic::from_float(*number),
        Value::BigNumber(digits) => digits.as_str().into(),
        Value::Text(text) => ImmutableString::from(text.clone()).into(),
        Value::List(items) => Dynamic::from_array(items.iter().map(dynamic_of).collect()),
        Value::Object(object) => Dynamic::from_map(map_of(object)),
    }
}

/// The fields of a map: those that were there before in their order, then the new ones.
fn object_of(before: &Object, mut map: Map, depth: usize) -> Option<Object> {
    let mut object = Object::with_capacity(map.len());
    for (name, value) in before {
        if let Some(changed) = map.remove(name) {
            object.push((name.clone(), value_of(Some(value), changed, depth)?));
        }
    }
    for (name, value) in map {
        object.push((name, value_of(None, value, depth)?));
    }
    Some(object)
}

/// The value of the event; `None` for what none can hold.
fn value_of(before: Option<&Value>, value: Dynamic, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let nothing = Object::new();
    Some(match value.type_name() {
        "()" => Value::Null,
        "bool" => Value::Bool(value.as_bool().ok()?),
        "i64" => Value::Int(value.as_int().ok()?),
        "f64" => Value::number(value.as_float().ok()?)?,
        "char" => Value::text(value.as_char().ok()?.to_string()),
        "string" => match (value.into_immutable_string().ok()?, before) {
            // A number that a script can only pass on.
            (text, Some(Value::BigNumber(digits))) if text == digits.as_str() => Value::BigNumber(digits.clone()),
            (text, _) => Value::Text(Text::from(text.as_str())),
        },
        "array" => {
            let items: Array = value.into_array().ok()?;
            Value::List(items.into_iter().map(|item| value_of(None, item, depth)).collect::<Option<_>>()?)
        }
        "map" => {
            let inner = match before {
                Some(Value::Object(object)) => object,
                _ => &nothing,
            };
            Value::Object(object_of(inner, value.try_cast::<Map>()?, depth)?)
        }
        _ => return None,
    })
}

/// What the stage counts on: whole numbers and others are those of events.
const _: fn(INT, FLOAT) -> (i64, f64) = |int, float| (int, float);

#[cfg(test)]
mod tests {
    use vigie_domain::Timestamp;

    use super::super::Pipeline;
    use super::*;
    use crate::enrich::Lookups;
    use crate::{DecodeOptions, Redactor, decode_bytes};

    fn pipeline(source: &str, more: &str) -> Result<Pipeline, PipelineError> {
        let text = format!("version = 1\n[[stage]]\ntype = 'script'\nsource = '''{source}'''\n{more}");
        Pipeline::read(&text, &Arc::new(Lookups::default()))
    }

    /// What the script makes of the event.
    fn run(source: &str, sent: &str) -> String {
        let pipeline = Some(Arc::new(pipeline(source, "operations = 5000").unwrap()));
        let redactor = Arc::new(Redactor::new(&[7; 32]).unwrap());
        let options = DecodeOptions { pipeline, ..DecodeOptions::new(Timestamp::from_seconds(1), redactor) };
        let batch = decode_bytes(sent.as_bytes(), &options).unwrap();
        let mut body = batch.events.events().next().unwrap().body;
        body.retain(|(name, _)| name != "@timestamp" && name != "log_type");
        for (_, value) in body.iter_mut().filter(|(name, _)| name == "tags") {
            if let Value::List(tags) = value {
                tags.retain(|tag| tag.as_text() != Some("_no_timestamp"));
            }
        }
        body.retain(|(name, value)| name != "tags" || *value != Value::List(Vec::new()));
        serde_json::to_string(&Value::Object(body)).unwrap()
    }

    #[test]
    fn fields_are_changed_and_keep_their_order() {
        let sent = r#"{"z":2,"price":1.5,"a":{"y":"b","x":null},"list":[1,"two",true]}"#;
        assert_eq!(run("", sent), sent);
        assert_eq!(
            run("event.total = event.price * event.z; event.a.y += \"c\"; event.remove(\"z\");", sent),
            r#"{"price":1.5,"a":{"y":"bc","x":null},"list":[1,"two",true],"total":3}"#
        );
        assert_eq!(run("event.list.push('c'); event.list[0] = 7;", r#"{"list":[1]}"#), r#"{"list":[7,"c"]}"#);
        assert_eq!(
            run("fn twice(n) { n * 2 } for n in 0..3 { event[`n${n}`] = twice(n); }", "{}"),
            r#"{"n0":0,"n1":2,"n2":4}"#
        );
        let big = r#"{"n":123456789012345678901234567890}"#;
        assert_eq!(run("", big), big, "what it cannot hold it passes on");
    }

    #[test]
    fn a_script_that_fails_leaves_the_event_with_a_tag() {
        let failed = r#"{"n":1,"tags":["_scripterror"]}"#;
        for source in [
            "event.n = 2; throw \"no\";",
            "event.n = 2; event.missing.deep = 1;",
            "event.n = 2; loop {}",
            "event.n = 2; fn f(n) { f(n + 1) } f(0);",
            "event.n = 2; let s = \"xxxxxxxxxx\"; loop { s += s; }",
            "event.n = 2; let a = [1]; loop { a += a; }",
            "event.n = 1 / 0;",
            "event.n = || 1;",
            "event = 7;",
            "let v = #{}; for n in 0..30 { v = #{ v: v }; } event.n = v;",
        ] {
            assert_eq!(run(source, r#"{"n":1}"#), failed, "{source}");
        }
    }

    #[test]
    fn a_script_reaches_nothing_outside() {
        for source in [
            "import \"std\" as std;",
            "eval(\"1\");",
            "sleep(100000);",
            "sleep(100000.0);",
            "timestamp();",
            "open_file(\"/etc/passwd\");",
            "env(\"HOME\");",
        ] {
            let is_refused = match pipeline(source, "") {
                Err(_) => true,
                Ok(_) => run(source, "{}") == r#"{"tags":["_scripterror"]}"#,
            };
            assert!(is_refused, "{source}");
        }
        assert_eq!(run("print(\"x\"); debug(\"y\");", "{}"), "{}");
    }

    #[test]
    fn a_script_that_is_none_is_told_with_its_place() {
        let error = pipeline("event.n = ;", "").unwrap_err().to_string();
        assert!(error.contains("stage 1 (script), key \"source\"") && error.contains("line 1"), "{error}");
        assert!(pipeline("1", "operations = 5").is_err());
    }
}
