//! Events of indices that clients made are kept as long as those say: by the lifecycle policy that their settings name.
//!
//! Of a policy (`_ilm/policy`) one thing is done, its phase `delete`: an event goes once it is older than `min_age`. Its age counts
//! from the later of its own time and its arrival, so that an import of old logs is not deleted at once. Everything else goes with
//! the indices of days.
//!
//! Whoever sends events may set policies and indices up, and may not delete: both count only as somebody left them who may.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::{AggregateRequest, LogStore, Selection};
use vigie_domain::query::{Bound, Predicate, Query};
use vigie_domain::{Result, Scope, TimeRange, Timestamp};
use vigie_pipeline::SENT_INDEX_FIELD;

use crate::Clock;
use crate::kept_indices::setting_of;
use crate::kept_objects::{KeptObject, KeptObjects, ObjectKind};
use crate::time_value::time_value;

/// The setting of an index that names its policy, without its `index.`.
pub const POLICY_SETTING: &str = "lifecycle.name";
/// Where an object says what somebody who may delete has agreed to: a policy that it deletes, an index which policy it names.
pub const AGREED: &str = "vigie_agreed";

/// How long events of an index are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// The name under which they were sent.
    pub index: String,
    /// The policy that says so.
    pub policy: String,
    /// How old they get.
    pub age_max: Duration,
}

/// Deletes what is older than its index says.
pub struct Retention {
    store: Arc<dyn LogStore>,
    objects: Arc<KeptObjects>,
    clock: Clock,
}

impl Retention {
    /// Of what lies in this store, as these objects say.
    pub fn new(store: Arc<dyn LogStore>, objects: Arc<KeptObjects>, clock: Clock) -> Self {
        Self { store, objects, clock }
    }

    /// Deletes what is due now; each index of which events went, and how many.
    ///
    /// # Errors
    /// `Unavailable` when the indices cannot be read; else what the store answers, when what came before is done.
    pub async fn apply(&self) -> Result<Vec<(Keeping, u64)>> {
        let (now, scope) = ((self.clock)(), Scope::main());
        let mut done = Vec::new();
        for keeping in self.keepings().await? {
            let selection = due(&keeping, now);
            // Deleting nothing would write new events to parts all the same.
            let request = AggregateRequest { selection: selection.clone(), aggregations: Vec::new() };
            if self.store.aggregate(&scope, &request).await?.total > 0 {
                let count = self.store.delete(&scope, &selection).await?;
                done.push((keeping, count));
            }
        }
        Ok(done)
    }

    /// How long events of each index are kept that says so.
    async fn keepings(&self) -> Result<Vec<Keeping>> {
        let policies = self.objects.find(ObjectKind::LifecyclePolicy, "*").await?;
        let indices = self.objects.find(ObjectKind::Index, "*").await?;
        Ok(indices.into_iter().filter_map(|index| keeping(index, &policies)).collect())
    }
}

/// Notes that somebody who may delete has sent the policy, or that nobody has.
pub fn agree_to_policy(policy: &mut Json, may_delete: bool) {
    note(policy, may_delete.then_some(Json::Bool(true)));
}

/// The same of the policy that an index names. What an index had before stays agreed to as long as it names it.
pub fn agree_to_index(index: &mut Json, may_delete: bool) {
    if may_delete {
        let named = setting_of(index, POLICY_SETTING).map(Json::from);
        note(index, named);
    }
}

fn note(object: &mut Json, agreed: Option<Json>) {
    let Some(object) = object.as_object_mut() else { return };
    match agreed {
        Some(agreed) => drop(object.insert(AGREED.to_owned(), agreed)),
        None => drop(object.remove(AGREED)),
    }
}

/// Whether somebody who may delete has agreed to the policy that the index names.
pub fn is_agreed(index: &Json) -> bool {
    let named = setting_of(index, POLICY_SETTING);
    named.is_some_and(|named| index.get(AGREED).and_then(Json::as_str) == Some(named.as_str()))
}

fn keeping(index: KeptObject, policies: &[KeptObject]) -> Option<Keeping> {
    let named = setting_of(&index.body, POLICY_SETTING).filter(|_| is_agreed(&index.body))?;
    let is_meant = |policy: &&KeptObject| policy.name == named && policy.body.get(AGREED) == Some(&Json::Bool(true));
    let policy = policies.iter().find(is_meant)?;
    Some(Keeping { index: index.name, policy: named, age_max: age_max(&policy.body)? })
}

/// How old events get by a policy, if it deletes any.
fn age_max(policy: &Json) -> Option<Duration> {
    let phase = policy.pointer("/policy/phases/delete")?;
    phase.pointer("/actions/delete")?;
    time_value(phase.get("min_age")?.as_str()?).filter(|age| !age.is_zero())
}

/// Whether Vigie does what the policy says and nothing else is said: it deletes, has no other phase, and is agreed to.
pub fn is_applied(policy: &Json) -> bool {
    if policy.get(AGREED) != Some(&Json::Bool(true)) {
        return false;
    }
    let phases = policy.pointer("/policy/phases").and_then(Json::as_object);
    phases.is_some_and(|phases| phases.len() == 1) && age_max(policy).is_some()
}

/// What of an index is too old.
fn due(keeping: &Keeping, now: Timestamp) -> Selection {
    let nanos = i64::try_from(keeping.age_max.as_nanos()).unwrap_or(i64::MAX);
    let oldest = now.saturating_add_nanos(nanos.saturating_neg());
    let arrived = Query::Field {
        field: pseudo_fields::INGESTED_AT.to_owned(),
        predicate: Predicate::Range { lower: Bound::Open, upper: Bound::Exclusive(oldest.to_string()) },
    };
    let query = Query::equals(SENT_INDEX_FIELD, keeping.index.as_str()).and(arrived);
    Selection { query, range: TimeRange { from: Timestamp::MIN, to: oldest } }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use serde_json::json;
    use vigie_domain::ports::Append;
    use vigie_domain::time::NANOS_PER_DAY;
    use vigie_domain::{Event, EventId, LogType, Value};
    use vigie_testkit::{LinearStore, MemoryMetadataStore};

    use super::*;

    const DAY_ZERO: i64 = 20_780;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_nanos((DAY_ZERO + day) * NANOS_PER_DAY)
    }

    fn event(index: &str, id: &str, time: i64, arrival: i64) -> Event {
        Event {
            id: Some(EventId(id.to_owned())),
            timestamp: at(time),
            ingested_at: at(arrival),
            log_type: LogType::Error,
            body: vec![(SENT_INDEX_FIELD.into(), Value::text(index))],
        }
    }

    #[tokio::test]
    async fn an_index_keeps_its_events_as_long_as_its_policy_says() {
        let objects = Arc::new(KeptObjects::new(Arc::new(MemoryMetadataStore::default())));
        let week = json!({"policy": {"phases": {"delete": {"min_age": "7d", "actions": {"delete": {}}}}}});
        for (name, may_delete) in [("week", true), ("day", false)] {
            let mut policy = week.clone();
            agree_to_policy(&mut policy, may_delete);
            objects.put(ObjectKind::LifecyclePolicy, name, policy).await.unwrap();
        }
        for (index, settings, may_delete) in [
            ("shop", json!({"index": {"lifecycle": {"name": "week"}}}), true),
            ("till", json!({"lifecycle.name": "none"}), true),
            ("cart", json!({}), true),
            ("bank", json!({"lifecycle.name": "week"}), false),
            ("loan", json!({"lifecycle.name": "day"}), true),
        ] {
            let mut definition = json!({ "settings": settings });
            agree_to_index(&mut definition, may_delete);
            objects.put(ObjectKind::Index, index, definition).await.unwrap();
        }
        let store = Arc::new(LinearStore::default());
        let events = vec![
            event("shop", "old", 0, 0),
            event("shop", "imported", 0, 3),
            event("shop", "new", 6, 6),
            event("till", "a", 0, 0),
            event("cart", "b", 0, 0),
            event("bank", "c", 0, 0),
            event("loan", "d", 0, 0),
        ];
        store.append(&Scope::main(), Append { key: None, events: events.into() }).await.unwrap();
        let now = Arc::new(AtomicI64::new(at(7).as_nanos()));
        let clock = now.clone();
        let clock: Clock = Arc::new(move || Timestamp::from_nanos(clock.load(Ordering::Relaxed)));
        let retention = Retention::new(store.clone(), objects, clock);
        let pass = async |day: i64, expected: &[u64]| {
            now.store(at(day).as_nanos() + 1, Ordering::Relaxed);
            let done = retention.apply().await.unwrap();
            assert_eq!(done.iter().map(|(_, count)| *count).collect::<Vec<_>>(), expected, "day {day}");
            assert!(
                done.iter().all(|(keeping, _)| (keeping.index.as_str(), keeping.policy.as_str()) == ("shop", "week"))
            );
        };
        pass(6, &[]).await;
        pass(7, &[1]).await;
        pass(9, &[]).await;
        pass(10, &[1]).await;
        pass(13, &[1]).await;
        pass(400, &[]).await;
        let others = ["a", "b", "c", "d"].map(|id| (id, true));
        for (id, is_there) in ["old", "imported", "new"].map(|id| (id, false)).into_iter().chain(others) {
            let found = store.get(&Scope::main(), &EventId(id.into())).await.unwrap();
            assert_eq!(found.is_some(), is_there, "{id}");
        }
    }

    #[test]
    fn what_is_agreed_to_holds_for_what_was_named_then() {
        let named = |name: &str, agreed: &str| json!({"settings": {"index.lifecycle.name": name}, AGREED: agreed});
        assert!(is_agreed(&named("week", "week")) && !is_agreed(&named("day", "week")));
        let mut index = named("day", "week");
        agree_to_index(&mut index, false);
        assert!(!is_agreed(&index));
        agree_to_index(&mut index, true);
        assert!(is_agreed(&index));
        index["settings"] = json!({});
        agree_to_index(&mut index, true);
        assert_eq!(index, json!({"settings": {}}));
    }

    #[test]
    fn only_policies_that_delete_and_do_nothing_else_are_applied() {
        let policy = |phases: Json| json!({ "policy": { "phases": phases }, AGREED: true });
        let delete = json!({"min_age": "30d", "actions": {"delete": {}}});
        assert!(is_applied(&policy(json!({ "delete": delete }))));
        for phases in [
            json!({}),
            json!({"hot": {"actions": {"rollover": {"max_age": "1d"}}}, "delete": delete}),
            json!({"delete": {"min_age": "30d", "actions": {}}}),
            json!({"delete": {"actions": {"delete": {}}}}),
            json!({"delete": {"min_age": "0ms", "actions": {"delete": {}}}}),
            json!({"delete": {"min_age": "a month", "actions": {"delete": {}}}}),
        ] {
            assert!(!is_applied(&policy(phases.clone())), "{phases}");
        }
        let mut unagreed = policy(json!({ "delete": delete }));
        agree_to_policy(&mut unagreed, false);
        assert!(!is_applied(&unagreed));
        assert!(!is_applied(&json!({})));
    }
}
