//! Names of answers with the kind before them, such as `avg#price`, by which typed clients read them.

use serde_json::{Map, Value as Json};
use vigie_domain::mapping::{self, FieldKind};

use super::pipelines::Pipeline;
use super::shape::{Asked, KindName};

/// The answers by names with their kinds.
pub(super) fn typed(asked: &[Asked], pipelines: &[Pipeline], mut answers: Map<String, Json>) -> Map<String, Json> {
    let mut named = Map::new();
    for one in asked {
        let Some(mut answer) = answers.remove(&one.name) else { continue };
        let name = format!("{}#{}", kind_of(one, &answer), one.name);
        match answer.get_mut("buckets") {
            Some(Json::Array(buckets)) => buckets.iter_mut().for_each(|bucket| retype(one, bucket)),
            Some(Json::Object(buckets)) => buckets.values_mut().for_each(|bucket| retype(one, bucket)),
            _ => retype(one, &mut answer),
        }
        named.insert(name, answer);
    }
    for pipeline in pipelines {
        if let (Some(kind), Some(answer)) = (pipeline.kind_name(), answers.remove(&pipeline.name)) {
            named.insert(format!("{kind}#{}", pipeline.name), answer);
        }
    }
    named
}

/// Names what lies below, in the place where it was.
fn retype(asked: &Asked, bucket: &mut Json) {
    if asked.children.is_empty() {
        return;
    }
    let Json::Object(bucket) = bucket else { return };
    let is_below = |name: &str| {
        asked.children.iter().any(|child| child.name == name)
            || asked.pipelines.iter().any(|pipeline| pipeline.name == name)
    };
    let (below, own): (Map<String, Json>, Map<String, Json>) =
        std::mem::take(bucket).into_iter().partition(|(name, _)| is_below(name));
    *bucket = own;
    bucket.extend(typed(&asked.children, &asked.pipelines, below));
}

/// The answers by their names alone, for a client that did not ask for kinds: what `typed` did, taken back.
pub fn without_kinds(answers: &mut Map<String, Json>) {
    for (name, mut answer) in std::mem::take(answers) {
        // Nothing of an answer itself has this sign in its name but keys, which are not looked at.
        let Some((_, plain)) = name.split_once('#') else {
            answers.insert(name, answer);
            continue;
        };
        let below = match answer.get_mut("buckets") {
            Some(Json::Array(buckets)) => buckets.iter_mut().filter_map(Json::as_object_mut).collect(),
            Some(Json::Object(buckets)) => buckets.values_mut().filter_map(Json::as_object_mut).collect(),
            _ => answer.as_object_mut().into_iter().collect::<Vec<_>>(),
        };
        below.into_iter().for_each(without_kinds);
        answers.insert(plain.to_owned(), answer);
    }
}

fn kind_of(asked: &Asked, answer: &Json) -> &'static str {
    let of_terms = |field: &str| kind_of_terms(field, answer);
    match &asked.kind_name {
        KindName::Known(name) => name,
        KindName::TermsOf(field) => of_terms(field),
        KindName::RareOf(field) if of_terms(field) == "sterms" => "srareterms",
        KindName::RareOf(_) => "lrareterms",
        KindName::SignificantOf(field) if of_terms(field) == "sterms" => "sigsterms",
        KindName::SignificantOf(_) => "siglterms",
    }
}

fn kind_of_terms(field: &str, answer: &Json) -> &'static str {
    let mut keys = answer["buckets"].as_array().into_iter().flatten().map(|bucket| &bucket["key"]).peekable();
    if keys.peek().is_none() {
        return match mapping::kind_of(field) {
            Some(FieldKind::Int | FieldKind::Bool | FieldKind::Instant) => "lterms",
            Some(FieldKind::Float | FieldKind::Decimal) => "dterms",
            Some(FieldKind::Keyword | FieldKind::Text | FieldKind::Ip) | None => "sterms",
        };
    }
    match keys.try_fold("lterms", |kind, key| match key {
        Json::Number(number) if number.is_i64() || number.is_u64() => Some(kind),
        Json::Number(_) => Some("dterms"),
        _ => None,
    }) {
        Some(kind) => kind,
        None => "sterms",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dsl::shape::Shape;

    fn asked(name: &str, kind_name: KindName, children: Vec<Asked>) -> Asked {
        Asked { name: name.to_owned(), kind_name, shape: Shape::Single, meta: None, children, pipelines: Vec::new() }
    }

    /// The answer gets these names, and loses them again.
    fn check(asked: Asked, answer: Json, expected: Json) {
        let mut named = typed(&[asked], &[], answer.as_object().unwrap().clone());
        assert_eq!(Json::Object(named.clone()), expected);
        without_kinds(&mut named);
        assert_eq!(Json::Object(named), answer);
    }

    #[test]
    fn names_have_their_kinds_on_every_level() {
        let sum = asked("sum", KindName::Known("sum"), Vec::new());
        let terms = asked("by", KindName::TermsOf("service".to_owned()), vec![sum.clone()]);
        let filter = asked("one", KindName::Known("filter"), vec![terms]);
        let answer =
            json!({"one": {"doc_count": 3, "by": {"buckets": [{"key": "a", "doc_count": 1, "sum": {"value": 1.0}}]}}});
        let expected = json!({"filter#one": {"doc_count": 3, "sterms#by": {"buckets": [{"key": "a", "doc_count": 1, "sum#sum": {"value": 1.0}}]}}});
        check(filter, answer, expected);
        let keyed = asked("f", KindName::Known("filters"), vec![sum]);
        let answer = json!({"f": {"buckets": {"x#y": {"doc_count": 0, "sum": {"value": null}}}}});
        let expected = json!({"filters#f": {"buckets": {"x#y": {"doc_count": 0, "sum#sum": {"value": null}}}}});
        check(keyed, answer, expected);
        let odd = asked("a#b", KindName::Known("max"), Vec::new());
        check(odd, json!({"a#b": {"value": 1.0}}), json!({"max#a#b": {"value": 1.0}}));
    }

    #[test]
    fn terms_are_named_by_their_keys() {
        let check = |field: &str, keys: Json, expected: &str| {
            let buckets: Vec<Json> = keys.as_array().unwrap().iter().map(|key| json!({ "key": key })).collect();
            let terms = asked("t", KindName::TermsOf(field.to_owned()), Vec::new());
            assert_eq!(kind_of(&terms, &json!({ "buckets": buckets })), expected, "{field} {keys}");
        };
        check("n", json!([1, 2]), "lterms");
        check("n", json!([1, 2.5]), "dterms");
        check("n", json!([2.5, "a"]), "sterms");
        check("service", json!([]), "sterms");
        check("amount", json!([]), "dterms");
        check("nothing", json!([]), "sterms");
    }
}
