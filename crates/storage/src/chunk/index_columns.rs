//! Which dynamic columns and shapes an index has: so many and no more, in memory, in parts and in merges of them alike.
//!
//! A sender that names fields after values would otherwise make columns without end. It does not hold the columns
//! themselves, and columns that a mapping names are always admitted. What is not admitted is kept in the overflow column.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::Schema;
use foldhash::fast::RandomState;
use vigie_domain::{Day, LogType, mapping};

use super::column_names;
use super::physical::canonical_of;

/// Columns beside those of the mapping that an index may have, unless settings say otherwise.
pub const COLUMNS_MAX: usize = 1_000;
/// Shapes of an index that are held once per part; an event of another shape has it among its own values.
const SHAPES_MAX: usize = 4_096;
/// Indices that are remembered though nothing is being added to them.
const INDICES_MAX: usize = 256;

/// The dynamic columns and shapes of one index.
#[derive(Debug)]
pub struct IndexColumns {
    columns_max: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    columns: HashSet<Box<str>, RandomState>,
    /// What the columns are of: a field has one for each type of its values.
    fields: HashSet<Box<str>, RandomState>,
    shapes: HashSet<u64, RandomState>,
}

impl Known {
    fn add(&mut self, column: &str) {
        self.fields.insert(canonical_of(column).into());
        self.columns.insert(column.into());
    }
}

impl IndexColumns {
    /// With these columns, and so many at most.
    pub fn new(columns_max: usize, columns: &BTreeSet<String>) -> Self {
        let mut known = Known::default();
        columns.iter().for_each(|column| known.add(column));
        Self { columns_max, known: Mutex::new(known) }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Names are only added: a panic cannot leave them half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the index has the column, now or from now on.
    pub fn admits(&self, column: &str) -> bool {
        let mut known = self.lock();
        let is_known = known.columns.contains(column);
        if !is_known && known.columns.len() < self.columns_max {
            known.add(column);
            return true;
        }
        is_known
    }

    /// Whether a part may hold the shape with this hash among those of its other events.
    pub fn admits_shape(&self, hash: u64) -> bool {
        let mut known = self.lock();
        known.shapes.contains(&hash) || known.shapes.len() < SHAPES_MAX && known.shapes.insert(hash)
    }

    /// Whether values of the field may lie in columns.
    pub fn has_field(&self, field: &str) -> bool {
        mapping::kind_of(field).is_some() || self.lock().fields.contains(field)
    }
}

/// As an index without an event.
impl Default for IndexColumns {
    fn default() -> Self {
        Self::new(COLUMNS_MAX, &BTreeSet::new())
    }
}

/// The columns of indices that events are added to.
#[derive(Debug)]
pub struct IndexRegistry {
    columns_max: usize,
    indices: Mutex<BTreeMap<Day, Arc<IndexColumns>>>,
}

impl IndexRegistry {
    /// Of no index yet.
    pub fn new(columns_max: usize) -> Self {
        Self { columns_max, indices: Mutex::default() }
    }

    /// The columns of an index; `stored` answers those that its chunks and parts have, when it is not remembered.
    pub fn of(&self, day: Day, stored: impl FnOnce() -> BTreeSet<String>) -> Arc<IndexColumns> {
        let lock = || self.indices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&day) {
            return known.clone();
        }
        // Without the lock, for files are read.
        let loaded = Arc::new(IndexColumns::new(self.columns_max, &stored()));
        let mut indices = lock();
        if indices.len() >= INDICES_MAX {
            // Those that events are being added to are held elsewhere too, and are bounded with these events.
            indices.retain(|_, columns| Arc::strong_count(columns) > 1);
        }
        indices.entry(day).or_insert(loaded).clone()
    }
}

/// The columns of a schema that no mapping names.
pub fn dynamic_columns(schema: &Schema, log_type: LogType) -> impl Iterator<Item = String> + '_ {
    let is_dynamic = move |name: &str| !column_names::is_own(name) && mapping::kind_in(log_type, name).is_none();
    schema.fields().iter().map(|field| field.name()).filter(move |name| is_dynamic(name)).cloned()
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    #[test]
    fn columns_are_admitted_up_to_the_bound() {
        let stored = BTreeSet::from(["a".to_owned(), "a#int".to_owned()]);
        let columns = IndexColumns::new(3, &stored);
        let admitted = ["a", "b#int", "c", "b#int", "b"].map(|column| columns.admits(column));
        assert_eq!(admitted, [true, true, false, true, false]);
        let fields = ["a", "b", "c", "amount"].map(|field| columns.has_field(field));
        assert_eq!(fields, [true, true, false, true]);
    }

    #[test]
    fn shapes_are_admitted_up_to_the_bound() {
        let columns = IndexColumns::default();
        let hashes = 0..SHAPES_MAX as u64 + 1;
        assert_eq!(hashes.filter(|hash| columns.admits_shape(*hash)).count(), SHAPES_MAX);
        assert!(columns.admits_shape(7), "what was admitted stays so");
    }

    #[test]
    fn an_index_is_read_once_and_forgotten_only_when_nobody_adds_to_it() {
        let registry = IndexRegistry::new(1);
        let held = registry.of(Day(-1), || BTreeSet::from(["a".to_owned()]));
        (0..2 * INDICES_MAX as i32).for_each(|day| drop(registry.of(Day(day), BTreeSet::new)));
        assert!(registry.indices.lock().unwrap().len() <= INDICES_MAX);
        let again = registry.of(Day(-1), || unreachable!("it is remembered"));
        assert!(Arc::ptr_eq(&held, &again) && !again.admits("b"));
    }

    #[test]
    fn mapped_columns_are_not_counted() {
        let names = ["@timestamp", "_seq", "amount", "amount#text", "service", "retries#int"];
        let schema =
            Schema::new(names.map(|name| Field::new(name, DataType::Utf8, true)).into_iter().collect::<Vec<_>>());
        let dynamic = |log_type| dynamic_columns(&schema, log_type).collect::<Vec<_>>();
        assert_eq!(dynamic(LogType::Transaction), ["amount#text", "retries#int"]);
        assert_eq!(dynamic(LogType::Performance), ["amount", "amount#text", "retries#int"]);
    }
}
