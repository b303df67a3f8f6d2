//! What clients of Elasticsearch set up before they send: templates, policies, pipelines, names of indices. Kept as they
//! were sent and listed again; nothing here is applied to events, for Vigie maps fields and ages indices itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value as Json, json};
use vigie_domain::ports::{Filter, FindRequest, MetadataStore};
use vigie_domain::query::glob::glob_matches;
use vigie_domain::{Error, ErrorKind, Result};

/// Where they are kept.
const COLLECTION: &str = "elasticsearch_objects";
/// Objects of one kind.
pub const OBJECTS_MAX: usize = 1_000;
/// Bytes of a name.
const NAME_BYTES_MAX: usize = 255;
/// How often an object that others write as well is tried to be written.
const ATTEMPTS_MAX: usize = 5;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// `_index_template`.
    IndexTemplate,
    /// `_component_template`.
    ComponentTemplate,
    /// `_template`.
    LegacyTemplate,
    /// `_ilm/policy`.
    LifecyclePolicy,
    /// `_ingest/pipeline`.
    Pipeline,
    /// `_data_stream`.
    DataStream,
    /// An index.
    Index,
}

impl ObjectKind {
    /// Its name where it is kept and to people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IndexTemplate => "index template",
            Self::ComponentTemplate => "component template",
            Self::LegacyTemplate => "template",
            Self::LifecyclePolicy => "lifecycle policy",
            Self::Pipeline => "pipeline",
            Self::DataStream => "data stream",
            Self::Index => "index",
        }
    }
}

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptObject {
    /// Its name.
    pub name: String,
    /// As it was sent.
    pub body: Json,
    /// How often it was sent.
    pub version: u64,
}

/// Keeps objects.
pub struct KeptObjects {
    store: Arc<dyn MetadataStore>,
    read: Mutex<AllRead>,
}

/// Every object as it was last read: each request that names an index asks for them.
#[derive(Default)]
struct AllRead {
    objects: HashMap<ObjectKind, Arc<Vec<KeptObject>>>,
    /// How often something was written: what was read before a write and comes after it is old.
    writes: u64,
}

impl KeptObjects {
    /// In this store.
    pub fn new(store: Arc<dyn MetadataStore>) -> Self {
        Self { store, read: Mutex::default() }
    }

    /// Keeps a new object.
    ///
    /// # Errors
    /// `Conflict` when there is one of that name; `Malformed` for a name that cannot be one; `Invalid` when there are
    /// [`OBJECTS_MAX`] of the kind.
    pub async fn create(&self, kind: ObjectKind, name: &str, body: Json) -> Result<()> {
        check_name(kind, name)?;
        let of_kind = [Filter { field: "kind".to_owned(), value: kind.as_str().into() }];
        if self.store.count(COLLECTION, &of_kind).await? >= OBJECTS_MAX as u64 {
            let words =
                format!("there are {OBJECTS_MAX} objects of the kind \"{}\" already; delete some", kind.as_str());
            return Err(Error::invalid(words));
        }
        let document = json!({ "kind": kind.as_str(), "name": name, "body": body });
        let _forgetting = Forgetting(self);
        self.store.insert(COLLECTION, &id_of(kind, name), document, &[]).await.map(drop)
    }

    /// Keeps an object in place of the one of that name, if there is one.
    ///
    /// # Errors
    /// As `create`; `Conflict` when others write it all the time.
    pub async fn put(&self, kind: ObjectKind, name: &str, body: Json) -> Result<()> {
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS_MAX {
            outcome = match self.store.get(COLLECTION, &id_of(kind, name)).await? {
                None => self.create(kind, name, body.clone()).await,
                Some(kept) => {
                    let document = json!({ "kind": kind.as_str(), "name": name, "body": body });
                    let _forgetting = Forgetting(self);
                    self.store.replace(COLLECTION, &kept.id, kept.revision, document).await.map(drop)
                }
            };
            let is_beaten =
                outcome.as_ref().is_err_and(|error| matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound));
            if !is_beaten {
                break;
            }
        }
        outcome
    }

    /// Changes an object; `false` when there is none. Of two that change it at once, the second sees what the first wrote.
    ///
    /// # Errors
    /// What `change` answers; `Conflict` when others write it all the time.
    pub async fn change(
        &self,
        kind: ObjectKind,
        name: &str,
        change: impl Fn(Json) -> Result<Json> + Send,
    ) -> Result<bool> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(kept) = self.store.get(COLLECTION, &id_of(kind, name)).await? else { return Ok(false) };
            let body = change(kept.body.get("body").cloned().unwrap_or_default())?;
            let document = json!({ "kind": kind.as_str(), "name": name, "body": body });
            let _forgetting = Forgetting(self);
            match self.store.replace(COLLECTION, &kept.id, kept.revision, document).await {
                Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => {}
                outcome => return outcome.map(|_| true),
            }
        }
        Err(Error::new(ErrorKind::Conflict, format!("\"{name}\" is changed by others all the time; try again")))
    }

    /// The objects whose names are meant, by name; `names` has commas between names, which may have `*`.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    pub async fn find(&self, kind: ObjectKind, names: &str) -> Result<Vec<KeptObject>> {
        let all = self.all(kind).await?;
        Ok(all.iter().filter(|object| is_meant(names, &object.name)).cloned().collect())
    }

    /// Every object of the kind, by name.
    async fn all(&self, kind: ObjectKind) -> Result<Arc<Vec<KeptObject>>> {
        let writes = {
            let read = self.lock();
            if let Some(objects) = read.objects.get(&kind) {
                return Ok(Arc::clone(objects));
            }
            read.writes
        };
        let filters = vec![Filter { field: "kind".to_owned(), value: kind.as_str().into() }];
        let request = FindRequest { filters, limit: OBJECTS_MAX, after: None };
        let read = |document: vigie_domain::ports::Document| {
            let name = document.body.get("name")?.as_str()?.to_owned();
            let body = document.body.get("body").cloned().unwrap_or_default();
            Some(KeptObject { name, body, version: document.revision })
        };
        let kept = self.store.find(COLLECTION, &request).await?.into_iter().filter_map(read);
        let mut all: Vec<KeptObject> = kept.collect();
        all.sort_by(|left, right| left.name.cmp(&right.name));
        let all = Arc::new(all);
        let mut read = self.lock();
        if read.writes == writes {
            read.objects.insert(kind, Arc::clone(&all));
        }
        Ok(all)
    }

    fn lock(&self) -> MutexGuard<'_, AllRead> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was read is old: something was written.
    fn forget_read(&self) {
        let mut read = self.lock();
        read.objects.clear();
        read.writes += 1;
    }

    /// Forgets the object; `false` when there was none.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    pub async fn delete(&self, kind: ObjectKind, name: &str) -> Result<bool> {
        let _forgetting = Forgetting(self);
        self.store.delete(COLLECTION, &id_of(kind, name)).await
    }
}

/// Makes a write forget what was read before, also when nobody waits for its end any more.
struct Forgetting<'a>(&'a KeptObjects);

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.0.forget_read();
    }
}

fn id_of(kind: ObjectKind, name: &str) -> String {
    format!("{}/{name}", kind.as_str())
}

fn check_name(kind: ObjectKind, name: &str) -> Result<()> {
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len())
        && !name
            .contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '*' | ',' | '?' | '"' | '/' | '\\'));
    if is_name {
        return Ok(());
    }
    let shown: String = name.chars().take(64).collect();
    Err(Error::malformed(format!(
        "{shown:?} cannot be the name of a {}; use 1 to {NAME_BYTES_MAX} bytes without spaces, wildcards, commas and slashes",
        kind.as_str()
    )))
}

/// Whether the name is one of those between commas, `*` standing for any text and `_all` for every name.
fn is_meant(names: &str, name: &str) -> bool {
    names.split(',').any(|pattern| pattern == "_all" || glob_matches(pattern, name))
}

#[cfg(test)]
mod tests {
    use vigie_testkit::MemoryMetadataStore;

    use super::*;

    fn objects() -> KeptObjects {
        KeptObjects::new(Arc::new(MemoryMetadataStore::default()))
    }

    async fn names(objects: &KeptObjects, kind: ObjectKind, names: &str) -> Vec<String> {
        objects
            .find(kind, names)
            .await
            .unwrap()
            .into_iter()
            .map(|object| format!("{} {}", object.name, object.body))
            .collect()
    }

    #[tokio::test]
    async fn what_was_put_is_listed_again_as_it_was_sent() {
        let objects = objects();
        for (name, body) in [("logs", 1), ("filebeat-8", 2), ("filebeat-9", 3), ("logs", 4)] {
            objects.put(ObjectKind::IndexTemplate, name, json!(body)).await.unwrap();
        }
        objects.put(ObjectKind::Pipeline, "logs", json!({})).await.unwrap();
        let check = async |asked: &str, expected: &[&str]| {
            assert_eq!(names(&objects, ObjectKind::IndexTemplate, asked).await, expected, "{asked}");
        };
        check("*", &["filebeat-8 2", "filebeat-9 3", "logs 4"]).await;
        check("_all", &["filebeat-8 2", "filebeat-9 3", "logs 4"]).await;
        check("filebeat-*", &["filebeat-8 2", "filebeat-9 3"]).await;
        check("*-9,logs", &["filebeat-9 3", "logs 4"]).await;
        check("file", &[]).await;
        assert!(objects.delete(ObjectKind::IndexTemplate, "logs").await.unwrap());
        assert!(!objects.delete(ObjectKind::IndexTemplate, "logs").await.unwrap());
        check("logs", &[]).await;
        assert_eq!(names(&objects, ObjectKind::Pipeline, "*").await, ["logs {}"]);
    }

    #[tokio::test]
    async fn a_new_one_needs_a_name_that_is_free_and_can_be_one() {
        let objects = objects();
        let create =
            async |name: &str| objects.create(ObjectKind::Index, name, json!({})).await.map_err(|error| error.kind);
        assert_eq!(create("shop").await, Ok(()));
        assert_eq!(create("shop").await, Err(ErrorKind::Conflict));
        let long = "x".repeat(256);
        for name in ["", "a*", "a,b", "a b", "a/b", long.as_str()] {
            assert_eq!(create(name).await, Err(ErrorKind::Malformed), "{name}");
        }
    }

    #[tokio::test]
    async fn there_are_only_so_many_of_a_kind() {
        let objects = objects();
        for number in 0..OBJECTS_MAX {
            objects.put(ObjectKind::Index, &number.to_string(), Json::Null).await.unwrap();
        }
        let refused = objects.put(ObjectKind::Index, "more", Json::Null).await.map_err(|error| error.kind);
        assert_eq!(refused, Err(ErrorKind::Invalid));
        assert_eq!(objects.put(ObjectKind::Index, "7", json!(7)).await, Ok(()), "one that is there may be replaced");
        assert_eq!(objects.put(ObjectKind::DataStream, "more", Json::Null).await, Ok(()));
    }
}
