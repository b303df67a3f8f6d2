//! Aggregations of the answers of others: read here, computed from the finished answer in `pipeline_answers`.

use serde_json::{Map, Value as Json};
use vigie_domain::Result;

use super::bucket_formula::BucketFormula;
use super::formula::Formula;
use super::intervals::width;
use super::place::Place;
use super::query::needed;
use super::shape::{Asked, Shape};

/// Buckets of a window of `moving_fn`, of the lag of `serial_diff`, and of what `bucket_sort` keeps.
const WINDOW_MAX: usize = 10_000;

/// One aggregation of others' answers.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) name: String,
    pub(super) kind: PipelineKind,
    pub(super) path: Path,
    pub(super) gap: Gap,
}

/// What is computed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PipelineKind {
    /// How much each bucket has more than the one before; beside it the same per so many milliseconds.
    Derivative {
        unit_ms: Option<f64>,
    },
    CumulativeSum,
    /// How much each bucket has more than the one so many before it.
    SerialDifference {
        lag: usize,
    },
    Moving {
        function: Moving,
        window: usize,
        shift: i64,
    },
    Sort {
        by: Vec<(Path, bool)>,
        from: usize,
        size: Option<usize>,
    },
    /// What a formula makes of numbers of each bucket.
    Script(BucketFormula),
    /// Only the buckets of which a formula says yes.
    Select(BucketFormula),
    /// Of all buckets of a sibling.
    OfBuckets(OfBuckets),
}

/// What of all buckets is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OfBuckets {
    Avg,
    Sum,
    Min,
    Max,
    Stats,
}

/// The named functions of `moving_fn`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Moving {
    Max,
    Min,
    Sum,
    StdDev,
    UnweightedAvg,
    LinearWeightedAvg,
    Ewma { alpha: f64 },
}

/// What a bucket without a value is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    Skip,
    Zero,
}

/// Where a number lies: names of aggregations from a bucket on, and which number of the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) names: Vec<String>,
    pub(super) number: Option<String>,
}

impl Path {
    /// Reads `a>b.value`, `a[95.0]` or `_count`.
    pub(super) fn read(text: &str) -> Self {
        let mut names: Vec<String> = text.split('>').map(|name| name.trim().to_owned()).collect();
        let mut number = None;
        if let Some(last) = names.last_mut() {
            let parted = match last.strip_suffix(']').and_then(|last| last.split_once('[')) {
                Some((name, number)) => Some((name.to_owned(), number.to_owned())),
                None => last.split_once('.').map(|(name, number)| (name.to_owned(), number.to_owned())),
            };
            if let Some((name, which)) = parted {
                (*last, number) = (name, Some(which));
            }
        }
        Self { names, number }
    }

    fn first(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

impl Pipeline {
    /// Whether it is computed from the buckets around it, and not of a sibling's.
    pub(super) fn is_of_parent(&self) -> bool {
        !matches!(self.kind, PipelineKind::OfBuckets(_))
    }

    /// The name of its answer's kind, as typed clients know it.
    pub(super) fn kind_name(&self) -> Option<&'static str> {
        match self.kind {
            PipelineKind::Derivative { .. } => Some("derivative"),
            PipelineKind::CumulativeSum
            | PipelineKind::SerialDifference { .. }
            | PipelineKind::Moving { .. }
            | PipelineKind::OfBuckets(OfBuckets::Avg | OfBuckets::Sum) => Some("simple_value"),
            PipelineKind::OfBuckets(OfBuckets::Min | OfBuckets::Max) => Some("bucket_metric_value"),
            PipelineKind::OfBuckets(OfBuckets::Stats) => Some("stats_bucket"),
            PipelineKind::Script(_) => Some("simple_value"),
            PipelineKind::Sort { .. } | PipelineKind::Select(_) => None,
        }
    }

    /// Whether buckets are left out or put in order by it, which comes behind what is computed of them.
    const fn rank(&self) -> u8 {
        match self.kind {
            PipelineKind::Select(_) => 1,
            PipelineKind::Sort { .. } => 2,
            _ => 0,
        }
    }

    fn paths(&self) -> Vec<&Path> {
        match &self.kind {
            PipelineKind::Sort { by, .. } => by.iter().map(|(path, _)| path).collect(),
            PipelineKind::Script(of) | PipelineKind::Select(of) => of.inputs.iter().collect(),
            _ => vec![&self.path],
        }
    }
}

/// Whether it is an aggregation of others' answers.
pub(super) fn is_one(kind: &str) -> bool {
    matches!(
        kind,
        "derivative"
            | "cumulative_sum"
            | "serial_diff"
            | "moving_fn"
            | "bucket_sort"
            | "avg_bucket"
            | "sum_bucket"
            | "min_bucket"
            | "max_bucket"
            | "stats_bucket"
            | "bucket_script"
            | "bucket_selector"
    )
}

/// Reads one of that kind.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn read(name: &str, kind: &str, json: &Json, place: &Place) -> Result<Pipeline> {
    let object = place.object(json)?;
    let known: &[&str] = match kind {
        "derivative" => &["buckets_path", "gap_policy", "unit"],
        "moving_fn" => &["buckets_path", "gap_policy", "window", "shift", "script"],
        "bucket_sort" => &["sort", "from", "size", "gap_policy"],
        "cumulative_sum" => &["buckets_path"],
        "serial_diff" => &["buckets_path", "gap_policy", "lag"],
        "bucket_script" | "bucket_selector" => &["buckets_path", "gap_policy", "script"],
        _ => &["buckets_path", "gap_policy"],
    };
    place.check_keys(object, known, &["format"])?;
    let kind = match kind {
        "derivative" => PipelineKind::Derivative { unit_ms: unit_ms(object, place)? },
        "cumulative_sum" => PipelineKind::CumulativeSum,
        "serial_diff" => PipelineKind::SerialDifference { lag: lag(object, place)? },
        "moving_fn" => moving(object, place)?,
        "bucket_sort" => sort(object, place)?,
        "bucket_script" => PipelineKind::Script(BucketFormula::read(object, Formula::of_number, place)?),
        "bucket_selector" => PipelineKind::Select(BucketFormula::read(object, Formula::of_choice, place)?),
        "avg_bucket" => PipelineKind::OfBuckets(OfBuckets::Avg),
        "sum_bucket" => PipelineKind::OfBuckets(OfBuckets::Sum),
        "min_bucket" => PipelineKind::OfBuckets(OfBuckets::Min),
        "max_bucket" => PipelineKind::OfBuckets(OfBuckets::Max),
        _ => PipelineKind::OfBuckets(OfBuckets::Stats),
    };
    let path = match &kind {
        PipelineKind::Sort { .. } | PipelineKind::Script(_) | PipelineKind::Select(_) => Path::default(),
        _ => Path::read(&place.key("buckets_path").text(needed(object, "buckets_path", place)?)?),
    };
    let gap = match object.get("gap_policy").map(|json| place.key("gap_policy").text(json)).transpose()?.as_deref() {
        None | Some("skip") => Gap::Skip,
        Some("insert_zeros") => Gap::Zero,
        Some(other) => return Err(place.key("gap_policy").missing(&format!("[{other}]"))),
    };
    let gap = if kind == PipelineKind::CumulativeSum { Gap::Zero } else { gap };
    Ok(Pipeline { name: name.to_owned(), kind, path, gap })
}

fn unit_ms(object: &Map<String, Json>, place: &Place) -> Result<Option<f64>> {
    let Some(json) = object.get("unit") else { return Ok(None) };
    let place = place.key("unit");
    let text = place.text(json)?;
    let unit_ns = match text.as_str() {
        "second" => Some(1_000_000_000),
        "minute" => Some(60_000_000_000),
        "hour" => Some(3_600_000_000_000),
        "day" => Some(86_400_000_000_000),
        other => width(other),
    };
    let unit_ns =
        unit_ns.ok_or_else(|| place.wrong(&format!("\"{text}\" is no unit; use one such as 1s, 1m or day")))?;
    Ok(Some(unit_ns as f64 / 1e6))
}

fn lag(object: &Map<String, Json>, place: &Place) -> Result<usize> {
    let place = place.key("lag");
    let lag = object.get("lag").map_or(Ok(1), |json| place.count(json))?;
    match (1..=WINDOW_MAX).contains(&lag) {
        true => Ok(lag),
        false => Err(place.wrong(&format!("must be from 1 to {WINDOW_MAX}, found {lag}"))),
    }
}

fn moving(object: &Map<String, Json>, place: &Place) -> Result<PipelineKind> {
    let window = place.key("window").count(needed(object, "window", place)?)?;
    if !(1..=WINDOW_MAX).contains(&window) {
        return Err(place.key("window").wrong(&format!("must be from 1 to {WINDOW_MAX}, found {window}")));
    }
    let shift = match object.get("shift") {
        None => 0,
        Some(json) => json.as_i64().filter(|shift| shift.unsigned_abs() <= WINDOW_MAX as u64).ok_or_else(|| {
            place.key("shift").wrong(&format!("must be a whole number from -{WINDOW_MAX} to {WINDOW_MAX}"))
        })?,
    };
    let place = place.key("script");
    let script = match needed(object, "script", &place)? {
        Json::Object(script) => place.key("source").text(needed(script, "source", &place)?)?,
        json => place.text(json)?,
    };
    Ok(PipelineKind::Moving { function: function(&script, &place)?, window, shift })
}

/// The function that a script names.
fn function(script: &str, place: &Place) -> Result<Moving> {
    let compact: String = script.chars().filter(|sign| !sign.is_whitespace()).collect();
    let call = compact.strip_prefix("return").unwrap_or(&compact);
    let call = call.trim_end_matches(';').strip_prefix("MovingFunctions.").unwrap_or_default();
    Ok(match call {
        "max(values)" => Moving::Max,
        "min(values)" => Moving::Min,
        "sum(values)" => Moving::Sum,
        "stdDev(values,MovingFunctions.unweightedAvg(values))" => Moving::StdDev,
        "unweightedAvg(values)" => Moving::UnweightedAvg,
        "linearWeightedAvg(values)" => Moving::LinearWeightedAvg,
        other => {
            let alpha = other.strip_prefix("ewma(values,").and_then(|rest| rest.strip_suffix(')'));
            let alpha = alpha.and_then(|alpha| alpha.parse().ok()).filter(|alpha| (0.0..=1.0).contains(alpha));
            let alpha = alpha.ok_or_else(|| {
                place.wrong("no script is run; use MovingFunctions.max, min, sum, unweightedAvg or linearWeightedAvg(values), ewma(values, 0.3) or stdDev(values, MovingFunctions.unweightedAvg(values))")
            })?;
            Moving::Ewma { alpha }
        }
    })
}

fn sort(object: &Map<String, Json>, place: &Place) -> Result<PipelineKind> {
    let one = |(place, json): (Place, &Json)| -> Result<(Path, bool)> {
        let (path, order) = match json {
            Json::String(path) => return Ok((Path::read(path), true)),
            json => place.only(json)?,
        };
        let order = match order {
            Json::Object(settings) => {
                place.check_keys(settings, &["order"], &[])?;
                settings.get("order").map_or(Ok("asc".to_owned()), |json| place.text(json))?
            }
            json => place.text(json)?,
        };
        match order.as_str() {
            "asc" => Ok((Path::read(path), true)),
            "desc" => Ok((Path::read(path), false)),
            other => Err(place.wrong(&format!("must be asc or desc, found {other}"))),
        }
    };
    let by = object.get("sort").map_or(Ok(Vec::new()), |json| {
        place.key("sort").one_or_many(json).into_iter().map(one).collect::<Result<Vec<_>>>()
    })?;
    let count = |key: &str| object.get(key).map(|json| place.key(key).count(json)).transpose();
    let (from, size) = (count("from")?.unwrap_or(0), count("size")?);
    if size == Some(0) {
        return Err(place.key("size").wrong("must be above 0"));
    }
    if by.is_empty() && from == 0 && size.is_none() {
        return Err(place.wrong("must have [sort], [from] or [size]"));
    }
    Ok(PipelineKind::Sort { by, from, size })
}

/// Those of one level in the order in which they are computed, each behind those that it needs.
///
/// # Errors
/// `Malformed` for one that names none that is there, or needs itself, or needs buckets that are not around it.
pub(super) fn in_order(
    mut left: Vec<Pipeline>,
    siblings: &[Asked],
    parent: Option<&Shape>,
    place: &Place,
) -> Result<Vec<Pipeline>> {
    for pipeline in &left {
        check(pipeline, &left, siblings, parent, &place.key(&pipeline.name))?;
    }
    let mut ordered: Vec<Pipeline> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |pipeline: &Pipeline| {
            let needs = |path: &Path| left.iter().any(|other| other.name == path.first());
            pipeline.paths().into_iter().any(needs) || left.iter().any(|other| other.rank() < pipeline.rank())
        };
        let Some(next) = left.iter().position(|pipeline| !waits(pipeline)) else {
            return Err(place.key(&left[0].name).wrong("[buckets_path] leads in a circle"));
        };
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

fn check(
    pipeline: &Pipeline,
    all: &[Pipeline],
    siblings: &[Asked],
    parent: Option<&Shape>,
    place: &Place,
) -> Result<()> {
    for path in pipeline.paths() {
        let is_known = siblings.iter().any(|asked| asked.name == path.first())
            || all.iter().any(|other| other.name == path.first());
        let is_own = pipeline.is_of_parent() && matches!(path.first(), "_count" | "_key");
        if !is_known && !is_own {
            return Err(place.wrong(&format!("no aggregation beside it is named [{}]", path.first())));
        }
    }
    match (&pipeline.kind, parent) {
        (PipelineKind::OfBuckets(_), _) => {
            let of = siblings.iter().find(|asked| asked.name == pipeline.path.first());
            let has_buckets = of.is_some_and(|asked| asked.shape.has_buckets()) && pipeline.path.names.len() > 1;
            has_buckets.then_some(()).ok_or_else(|| {
                place.wrong("[buckets_path] must begin with an aggregation that has buckets, such as months>sales")
            })
        }
        (PipelineKind::Sort { .. } | PipelineKind::Script(_) | PipelineKind::Select(_), Some(shape))
            if shape.has_buckets() =>
        {
            Ok(())
        }
        (PipelineKind::Sort { .. } | PipelineKind::Script(_) | PipelineKind::Select(_), _) => {
            Err(place.wrong("must lie within an aggregation that has buckets"))
        }
        (_, Some(Shape::Spans(spans))) if spans.least_count == 0 => Ok(()),
        (_, Some(Shape::NumberSpans(spans))) if spans.least_count == 0 => Ok(()),
        _ => Err(place.wrong("must lie within a histogram whose [min_doc_count] is 0")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(kind: &str, json: Json, expected: Result<PipelineKind, &str>) {
        match (read("p", kind, &json, &Place::of("p")), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found.kind, expected, "{json}"),
            (Err(error), Err(words)) => assert!(error.message.contains(words), "{json}: {}", error.message),
            (found, _) => panic!("{kind} {json}: {found:?}"),
        }
    }

    #[test]
    fn settings_are_read() {
        check("derivative", json!({"buckets_path": "a"}), Ok(PipelineKind::Derivative { unit_ms: None }));
        let per_second = PipelineKind::Derivative { unit_ms: Some(1_000.0) };
        check("derivative", json!({"buckets_path": "a", "unit": "1s"}), Ok(per_second));
        check("derivative", json!({"buckets_path": "a", "unit": "soon"}), Err("[p.unit] \"soon\" is no unit"));
        check("derivative", json!({}), Err("must have [buckets_path]"));
        check("serial_diff", json!({"buckets_path": "a"}), Ok(PipelineKind::SerialDifference { lag: 1 }));
        let weekly = json!({"buckets_path": "a", "lag": "7"});
        check("serial_diff", weekly, Ok(PipelineKind::SerialDifference { lag: 7 }));
        check("serial_diff", json!({"buckets_path": "a", "lag": 0}), Err("[p.lag] must be from 1"));
        check("sum_bucket", json!({"buckets_path": "a>b", "gap_policy": "x"}), Err("[p.gap_policy]"));
        check("bucket_script", json!({"buckets_path": {}}), Err("must have [script]"));
        let doc = json!({"buckets_path": {"a": "a"}, "script": "doc['x'].value"});
        check("bucket_script", doc, Err("[p.script] knows no \"doc\""));
        let choice =
            json!({"buckets_path": "a", "script": {"source": "params._value > params.least", "params": {"least": 3}}});
        let text = "params._value > params.least";
        let names = ["_value".to_owned(), "least".to_owned()];
        let formula = Formula::of_choice(text, &names, &Place::of("p")).unwrap();
        let select = BucketFormula { formula, inputs: vec![Path::read("a")], constants: vec![3.0] };
        check("bucket_selector", choice, Ok(PipelineKind::Select(select)));
        check("bucket_sort", json!({}), Err("must have [sort], [from] or [size]"));
        check("bucket_sort", json!({"size": 0}), Err("must be above 0"));
        check("bucket_sort", json!({"sort": [{"a": "up"}]}), Err("must be asc or desc"));
        let by = vec![(Path::read("a.max"), false), (Path::read("_key"), true)];
        let sort = json!({"sort": [{"a.max": {"order": "desc"}}, "_key"], "from": 1});
        check("bucket_sort", sort, Ok(PipelineKind::Sort { by, from: 1, size: None }));
    }

    #[test]
    fn only_named_functions_are_run() {
        let moving = |script: &str| json!({"buckets_path": "a", "window": 3, "shift": 1, "script": script});
        let check = |script: &str, function: Moving| {
            check("moving_fn", moving(script), Ok(PipelineKind::Moving { function, window: 3, shift: 1 }));
        };
        check("MovingFunctions.max(values)", Moving::Max);
        check("return MovingFunctions.ewma(values, 0.3);", Moving::Ewma { alpha: 0.3 });
        check("MovingFunctions.stdDev(values, MovingFunctions.unweightedAvg(values))", Moving::StdDev);
        for refused in ["values[0]", "MovingFunctions.ewma(values, 2)", "MovingFunctions.holt(values, 0.1, 0.2)", ""] {
            let error = read("p", "moving_fn", &moving(refused), &Place::of("p")).unwrap_err();
            assert!(error.message.contains("[p.script] no script is run"), "{refused}: {}", error.message);
        }
        let wide = json!({"buckets_path": "a", "window": 1_000_000, "script": "MovingFunctions.max(values)"});
        assert!(read("p", "moving_fn", &wide, &Place::of("p")).unwrap_err().message.contains("[p.window]"));
    }

    #[test]
    fn paths_name_aggregations_and_a_number() {
        let check = |text: &str, names: &[&str], number: Option<&str>| {
            let path = Path::read(text);
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!((path.names, path.number.as_deref()), (names, number), "{text}");
        };
        check("_count", &["_count"], None);
        check("a>b.avg", &["a", "b"], Some("avg"));
        check("a > b[99.9]", &["a", "b"], Some("99.9"));
        check("a.99.9", &["a"], Some("99.9"));
    }
}
