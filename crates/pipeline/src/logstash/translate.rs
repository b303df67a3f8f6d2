//! Goes through a configuration in the order in which Logstash does, and plans the stages that do the same.
//!
//! Logstash asks an `if` once, where it stands; a stage is asked where it stands. Where a stage of a branch may change what
//! the branch was asked by, or where the question is too long to be repeated, an `add` stage marks the event first and the
//! stages ask for the mark.

use toml::Value as Toml;
use vigie_domain::query::Query;

use super::Variant;
use super::attributes::Attributes;
use super::filters::stages as stages_of;
use super::names::Names;
use super::question::{Marks, Questions, and, not, or};
use super::report::{Report, Where};
use super::stage::{Planned, Touched, asked_fields, table};
use super::tree::{Branch, Item, Plugin};

/// Bytes of a condition that is repeated at every stage of a branch; a longer one is marked.
const REPEATED_BYTES_MAX: usize = 400;
/// Bytes of what the branches before one ask; from there on those events are marked that went one of these ways.
const CHAIN_BYTES_MAX: usize = 1_500;

/// Makes stages of what stands in a branch.
pub(super) type Within = fn(&mut Translator<'_>, &[Item]) -> Vec<Planned>;

/// What is known while a configuration is gone through.
pub(super) struct Translator<'a> {
    pub(super) options: &'a super::ImportOptions<'a>,
    pub(super) names: Names,
    pub(super) marks: Marks,
    pub(super) report: Report,
    /// What the inputs are, as far as filters have to know.
    pub(super) sent: Variant,
    /// Plugins of which at least a part is in the pipeline.
    pub(super) translated: usize,
}

/// The stages for these filters, one after the other.
pub(super) fn filters(translator: &mut Translator<'_>, items: &[Item]) -> Vec<Planned> {
    let mut stages = Vec::new();
    for item in items {
        match item {
            Item::Plugin(plugin) => stages.extend(translator.filter(plugin)),
            Item::Branches(branches) => stages.extend(translator.branches(branches, filters)),
        }
    }
    stages
}

impl Translator<'_> {
    /// The stages for one filter. One that Vigie does not take is reported and left out.
    fn filter(&mut self, plugin: &Plugin) -> Vec<Planned> {
        let mut attributes = Attributes::of(plugin);
        // What becomes of one that is not translated has been said.
        let Some(planned) = stages_of(self, &plugin.name, &mut attributes) else { return Vec::new() };
        attributes.finish(&mut self.report);
        let at = Where { place: plugin.place, plugin: &plugin.name };
        let planned: Vec<Planned> = planned.into_iter().filter(|stage| self.is_taken(at, stage)).collect();
        self.translated += usize::from(!planned.is_empty());
        planned
    }

    /// Whether Vigie takes the stage; if not, the report says why.
    pub(super) fn is_taken(&mut self, at: Where<'_>, stage: &Planned) -> bool {
        match stage.check() {
            Ok(()) => true,
            Err(error) => {
                let key = error.key.map(|key| format!(", {key}")).unwrap_or_default();
                self.report.left(at, None, format!("the stage {}{key}: {}", stage.kind, error.message));
                false
            }
        }
    }

    /// The stages for every way of an `if`, none when no way has any.
    pub(super) fn branches(&mut self, branches: &[Branch], within: Within) -> Vec<Planned> {
        let mut before = Vec::new();
        let mut ways: Vec<Way<'_>> = Vec::new();
        let mut is_known = true;
        for branch in branches {
            let lines = format!("lines {} to {} are left out", branch.place.line, branch.last_line);
            if !is_known {
                let reason = "what decides the branches before it is not translated";
                self.report.left(at_if(branch), None, format!("{reason}; {lines}"));
                continue;
            }
            match self.ask(branch, &mut before) {
                Ok(question) => ways.push(Way { question, stages: within(self, &branch.items), branch }),
                Err(reason) => {
                    self.report.left(at_if(branch), None, format!("{reason}; {lines}"));
                    is_known = false;
                }
            }
        }
        if ways.iter().all(|way| way.stages.is_empty()) {
            return Vec::new();
        }
        let (marking, stages) = self.decide(ways);
        before.into_iter().chain(marking).chain(stages).collect()
    }

    fn ask(&mut self, branch: &Branch, before: &mut Vec<Planned>) -> Result<Query, String> {
        let Some(condition) = &branch.condition else { return Ok(Query::All) };
        let mut questions = Questions {
            at: at_if(branch),
            names: &self.names,
            marks: &mut self.marks,
            report: &mut self.report,
            before: Vec::new(),
        };
        let query = questions.query(condition)?;
        before.append(&mut questions.before);
        Ok(query)
    }

    /// Gives every stage its question: repeated, or asked once and marked.
    fn decide(&mut self, ways: Vec<Way<'_>>) -> (Vec<Planned>, Vec<Planned>) {
        let (mut marking, mut decided): (Vec<Planned>, Vec<Planned>) = (Vec::new(), Vec::new());
        // What an event must not be to come this far, and the mark of those that went another way, once that is long.
        let (mut others, mut passed, mut taken) = (Query::All, Query::Nothing, None::<String>);
        for Way { question, stages, branch } in ways {
            if taken.is_none() && others.to_string().len() > CHAIN_BYTES_MAX {
                let mark = self.marks.make(branch.place.line);
                marking.push(marks(branch, std::slice::from_ref(&mark), passed.clone()));
                others = not(Query::equals(mark.as_str(), "true"));
                taken = Some(mark);
            }
            let whole = and(others.clone(), question.clone());
            if whole == Query::Nothing {
                self.report.note(at_if(branch), None, "no event goes this way, so it is left out");
                continue;
            }
            let is_marked = taken.is_some() || (!stages.is_empty() && must_be_marked(&whole, &stages, &decided));
            let asked = if is_marked {
                let mark = self.marks.make(branch.place.line);
                let set: Vec<String> = [Some(mark.clone()), taken.clone()].into_iter().flatten().collect();
                let stage = marks(branch, &set, whole);
                if !self.is_taken(at_if(branch), &stage) {
                    // Without this question, those after it have no answer.
                    self.report.left(at_if(branch), None, "this branch and those after it are left out");
                    break;
                }
                marking.push(stage);
                Query::equals(mark, "true")
            } else {
                whole
            };
            if taken.is_none() {
                others = and(others, not(question.clone()));
                passed = or(passed, question);
            }
            decided.extend(stages.into_iter().map(|mut stage| {
                stage.when = and(asked.clone(), stage.when);
                stage
            }));
        }
        (marking, decided)
    }
}

/// One branch: what it asks itself, and what it does.
struct Way<'b> {
    question: Query,
    stages: Vec<Planned>,
    branch: &'b Branch,
}

/// The stage that marks events for which a question is answered by yes.
fn marks(branch: &Branch, set: &[String], when: Query) -> Planned {
    let fields = set.iter().map(|mark| (mark.clone(), Toml::Boolean(true)));
    let mut stage = Planned::new(branch.place, at_if(branch).plugin, "add", Touched::Fields(set.to_vec()))
        .with("fields", table(fields))
        .with("existing", "replace");
    stage.when = when;
    stage
}

/// Whether the answer may change within the branch or before it, or the question is too long to be repeated.
fn must_be_marked(whole: &Query, stages: &[Planned], decided: &[Planned]) -> bool {
    let mut asked = Vec::new();
    asked_fields(whole, &mut asked);
    // What the last stage changes is asked by no other of the branch.
    let within = stages.split_last().map_or(&[][..], |(_, before)| before);
    if within.iter().chain(decided).any(|stage| stage.changes(&asked)) {
        return true;
    }
    let lengths = stages.iter().map(|stage| and(whole.clone(), stage.when.clone()).to_string().len());
    whole.cost().clauses > 1 && lengths.max().unwrap_or(0) > REPEATED_BYTES_MAX
}

fn at_if(branch: &Branch) -> Where<'static> {
    let plugin = if branch.condition.is_some() { "if" } else { "else" };
    Where { place: branch.place, plugin }
}
