//! Events of indices that clients made are kept as long as those say: by the lifecycle policy that their settings name.
//!
//! Of a policy (`_ilm/policy`) one thing is done, its phase `delete`: an event goes once it is older than `min_age`. Its age counts
//! from the later of its own time and its arrival, so that an import of old logs is not deleted at once. Everything else goes with
//! the indices of days.

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

fn keeping(index: KeptObject, policies: &[KeptObject]) -> Option<Keeping> {
    let named = setting_of(&index.body, POLICY_SETTING)?;
    let policy = policies.iter().find(|policy| policy.name == named)?;
    Some(Keeping { index: index.name, policy: named, age_max: age_max(&policy.body)? })
}

/// How old events get by a policy, if it deletes any.
fn age_max(policy: &Json) -> Option<Duration> {
    let phase = policy.pointer("/policy/phases/delete")?;
    phase.pointer("/actions/delete")?;
    time_value(phase.get("min_age")?.as_str()?).filter(|age| !age.is_zero())
}

/// Whether Vigie does what the policy says and nothing else is said: it deletes, and has no other phase.
pub fn is_applied(policy: &Json) -> bool {
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
        objects.put(ObjectKind::LifecyclePolicy, "week", week).await.unwrap();
        for (index, settings) in [
            ("shop", json!({"index": {"lifecycle": {"name": "week"}}})),
            ("till", json!({"lifecycle.name": "none"})),
            ("cart", json!({})),
        ] {
            objects.put(ObjectKind::Index, index, json!({"settings": settings})).await.unwrap();
        }
        let store = Arc::new(LinearStore::default());
        let events = vec![
            event("shop", "old", 0, 0),
            event("shop", "imported", 0, 3),
            event("shop", "new", 6, 6),
            event("till", "a", 0, 0),
            event("cart", "b", 0, 0),
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
        for (id, is_there) in [("old", false), ("imported", false), ("new", false), ("a", true), ("b", true)] {
            let found = store.get(&Scope::main(), &EventId(id.into())).await.unwrap();
            assert_eq!(found.is_some(), is_there, "{id}");
        }
    }

    #[test]
    fn only_policies_that_delete_and_do_nothing_else_are_applied() {
        let policy = |phases: Json| json!({ "policy": { "phases": phases } });
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
        assert!(!is_applied(&json!({})));
    }
}
