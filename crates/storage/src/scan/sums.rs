//! Questions about all events and about spans of time, counted as few times as possible.
//!
//! Every event lies in one span of a histogram: a question that is also asked of each span is the sum of what was counted of the spans.
//! And a histogram below which some answers are kept from one question to the next and some are not is counted in two pieces.

use std::collections::BTreeMap;

use super::Unit;
use super::partial::{BucketState, Partial};
use super::question::Question;
use crate::error::StorageError;

/// What is counted for some questions.
pub struct Counting<'q> {
    questions: &'q [Question],
    counted: Vec<Counted<'q>>,
    /// Of each question.
    sources: Vec<Source>,
}

enum Counted<'q> {
    Whole(&'q Question),
    /// A histogram with some of its children.
    Piece(Box<Question>),
}

impl Counted<'_> {
    fn question(&self) -> &Question {
        match self {
            Self::Whole(question) => question,
            Self::Piece(question) => question,
        }
    }
}

/// Where the partial answer to a question comes from.
enum Source {
    /// It is counted, in this place.
    Counted(usize),
    /// It is put together from pieces of a histogram; where each of its children is.
    Pieces(Vec<ChildPlace>),
    /// It is the sum of what is counted of a child of a histogram.
    SumOf(ChildPlace),
}

/// A child of the question that is counted in a place.
#[derive(Clone, Copy)]
struct ChildPlace {
    place: usize,
    child: usize,
}

impl<'q> Counting<'q> {
    /// Of these questions, asked of these units; `keeps` says that partial answers of parts are kept.
    ///
    /// # Errors
    /// When a part cannot be read.
    pub fn new(questions: &'q [Question], units: &[Unit], keeps: bool) -> Result<Self, StorageError> {
        let mut counting = Self { questions, counted: Vec::new(), sources: Vec::new() };
        let mut children: Vec<(&str, ChildPlace)> = Vec::new();
        let mut sources = Vec::new();
        for question in questions {
            sources.push(match question.has_every_event_once() {
                false => None,
                true => {
                    let (source, places) = counting.histogram(question, units, keeps)?;
                    children.extend(question.children.iter().map(|child| child.text.as_ref()).zip(places));
                    Some(source)
                }
            });
        }
        for (source, question) in sources.into_iter().zip(questions) {
            let same = children.iter().find(|(text, _)| *text == question.text.as_ref());
            let source = match (source, same) {
                (Some(source), _) => source,
                (None, Some((_, place))) if question.is_cheap_to_sum() => Source::SumOf(*place),
                (None, _) => Source::Counted(counting.add(Counted::Whole(question))),
            };
            counting.sources.push(source);
        }
        Ok(counting)
    }

    fn add(&mut self, counted: Counted<'q>) -> usize {
        self.counted.push(counted);
        self.counted.len() - 1
    }

    /// Where a histogram is counted, and each of its children.
    fn histogram(
        &mut self,
        question: &'q Question,
        units: &[Unit],
        keeps: bool,
    ) -> Result<(Source, Vec<ChildPlace>), StorageError> {
        let mut is_kept = vec![true; question.children.len()];
        if keeps {
            for part in units.iter().filter_map(|unit| if let Unit::Part(part) = unit { Some(part) } else { None }) {
                for (is_kept, child) in is_kept.iter_mut().zip(&question.children) {
                    *is_kept = *is_kept && child.is_worth_keeping(part)?;
                }
            }
        }
        if is_kept.windows(2).all(|pair| pair[0] == pair[1]) {
            let place = self.add(Counted::Whole(question));
            let children = (0..question.children.len()).map(|child| ChildPlace { place, child });
            return Ok((Source::Counted(place), children.collect()));
        }
        let mut places = vec![ChildPlace { place: 0, child: 0 }; is_kept.len()];
        for wanted in [true, false] {
            let children: Vec<usize> = (0..is_kept.len()).filter(|child| is_kept[*child] == wanted).collect();
            let place = self.add(Counted::Piece(Box::new(question.with_children(&children))));
            children.iter().enumerate().for_each(|(child, of_all)| places[*of_all] = ChildPlace { place, child });
        }
        Ok((Source::Pieces(places.clone()), places))
    }

    /// The questions that are counted.
    pub fn counted(&self) -> Vec<&Question> {
        self.counted.iter().map(Counted::question).collect()
    }

    /// The partial answers to the questions, from those to what was counted.
    pub fn answers(&self, counted: Vec<Partial>) -> Vec<Partial> {
        let made = |(question, source): (&Question, &Source)| match source {
            Source::Counted(_) => None,
            Source::Pieces(places) => Some(joined(&counted, places)),
            Source::SumOf(place) => {
                let mut sum = question.empty();
                spans_of(&counted, place.place)
                    .filter_map(|(_, span)| span.children.get(place.child))
                    .for_each(|partial| sum.merge(partial));
                Some(sum)
            }
        };
        let made: Vec<Option<Partial>> = self.questions.iter().zip(&self.sources).map(made).collect();
        let mut counted: Vec<Option<Partial>> = counted.into_iter().map(Some).collect();
        let mut take = |source: &Source| match source {
            Source::Counted(place) => counted.get_mut(*place).and_then(Option::take),
            Source::Pieces(_) | Source::SumOf(_) => None,
        };
        let all = self.questions.iter().zip(&self.sources).zip(made);
        all.map(|((question, source), made)| made.or_else(|| take(source)).unwrap_or_else(|| question.empty()))
            .collect()
    }
}

fn spans_of(counted: &[Partial], place: usize) -> impl Iterator<Item = (&i64, &BucketState)> {
    let spans = match counted.get(place) {
        Some(Partial::Spans(spans)) => Some(spans),
        _ => None,
    };
    spans.into_iter().flatten()
}

/// A histogram with all its children, from its pieces: each has the same spans and as many events in them.
fn joined(counted: &[Partial], places: &[ChildPlace]) -> Partial {
    let mut spans: BTreeMap<i64, BucketState> = BTreeMap::new();
    for place in places {
        for (start, piece) in spans_of(counted, place.place) {
            let span = spans.entry(*start).or_default();
            span.count = piece.count;
            span.children.extend(piece.children.get(place.child).cloned());
        }
    }
    Partial::Spans(spans)
}

#[cfg(test)]
mod tests {
    use vigie_domain::aggregation::{Aggregation, AggregationKind};
    use vigie_domain::{Scope, Timestamp};

    use super::*;

    fn made(asked: &[Aggregation]) -> Vec<Question> {
        asked.iter().map(|asked| Question::new(asked, &Scope::main(), Timestamp::default()).unwrap()).collect()
    }

    fn hours() -> Aggregation {
        Aggregation::leaf("hours", AggregationKind::DateHistogram { interval_ns: 3_600_000_000_000, offset_ns: 0 })
    }

    /// Which of the questions are counted.
    fn check(asked: &[Aggregation], expected: &[&str]) {
        let questions = made(asked);
        let counting = Counting::new(&questions, &[], true).unwrap();
        let mut names: Vec<&str> = counting.counted().iter().map(|question| question.asked.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn what_is_asked_of_every_span_is_not_counted_again() {
        let users = || Aggregation::cardinality("users", "user_id");
        let levels = || Aggregation::terms("levels", "level", 5);
        check(&[users(), hours().with(users())], &["hours"]);
        check(&[hours().with(Aggregation::cardinality("by another name", "user_id")), users()], &["hours"]);
        check(&[users(), hours().with(Aggregation::cardinality("services", "service"))], &["hours", "users"]);
        check(&[levels(), users(), hours().with(levels()).with(users())], &["hours", "levels"]);
        check(&[hours().with(users()), hours().with(users())], &["hours", "hours"]);
        let of_level = || levels().with(users());
        check(&[of_level(), hours().with(of_level())], &["hours", "levels"]);
        check(&[users(), levels().with(users())], &["levels", "users"]);
    }
}
