//! What is kept of parts that were read: their metadata, the head of their index and dictionaries, all together under a bound.
//!
//! A store of years has thousands of parts, and a question about all of time reads a little of each. What was read longest
//! ago is forgotten first and read again when it is asked for.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;

use super::addresses;
use super::dictionary::KeepsBlocks;
use super::index::PartIndex;
use crate::chunk::OverflowFields;

/// Bytes kept of all parts: some hundreds of wide ones.
const KEPT_BYTES_MAX: usize = 48 * 1024 * 1024;
/// Bytes of a dictionary that is kept, as of half a million sessions; a larger one would push out those of all others.
const DICTIONARY_BYTES_MAX: usize = KEPT_BYTES_MAX / 3;
/// What a kept dictionary, or a block of one, takes beside its strings, about.
const DICTIONARY_BYTES: usize = 300;
/// What the schemas of a part take per column, about: names, types and what describes both, and how it is read.
const COLUMN_BYTES: usize = 2_000;

/// What is kept of a part once it was read.
#[derive(Debug)]
pub(super) struct Opened {
    /// Columns as they lie in the file.
    pub(super) reader: ArrowReaderMetadata,
    /// Columns as everybody else sees them.
    pub(super) schema: SchemaRef,
    pub(super) overflow_fields: Arc<OverflowFields>,
    /// None of parts written before there were any, or when it is damaged.
    pub(super) index: Option<Arc<PartIndex>>,
    /// How the Parquet library reads each column of the file alone.
    pub(super) levels: Vec<FieldLevels>,
    /// Of which columns of the file it is known that no row has a value.
    pub(super) empty_columns: Vec<bool>,
    /// Dictionaries of its columns that were read.
    pub(super) dictionaries: Dictionaries,
}

/// Dictionaries, and blocks of those of which only some were needed, by the places of their columns in the file.
#[derive(Debug, Default)]
pub(super) struct Dictionaries(Mutex<KeptStrings>);

#[derive(Debug, Default)]
struct KeptStrings {
    whole: BTreeMap<usize, ArrayRef>,
    blocks: BTreeMap<(usize, usize), Bytes>,
}

impl Dictionaries {
    fn lock(&self) -> MutexGuard<'_, KeptStrings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept of the dictionary of one column.
pub(super) struct KeptDictionary {
    pub(super) parts: Arc<OpenedParts>,
    pub(super) slot: Arc<Slot>,
    pub(super) opened: Arc<Opened>,
    pub(super) column: usize,
}

impl KeptDictionary {
    /// All of it.
    pub(super) fn whole(&self) -> Option<ArrayRef> {
        self.opened.dictionaries.lock().whole.get(&self.column).cloned()
    }

    /// Keeps all of it.
    pub(super) fn keep_whole(&self, strings: &ArrayRef) {
        let bytes = strings.get_array_memory_size() + DICTIONARY_BYTES;
        self.parts.keep_of(&self.slot, &self.opened, bytes, |kept| match kept.whole.entry(self.column) {
            Entry::Vacant(place) => {
                place.insert(strings.clone());
                true
            }
            Entry::Occupied(_) => false,
        });
    }
}

impl KeepsBlocks for KeptDictionary {
    fn block(&self, number: usize) -> Option<Bytes> {
        self.opened.dictionaries.lock().blocks.get(&(self.column, number)).cloned()
    }

    fn keep_block(&self, number: usize, block: &Bytes) {
        let bytes = block.len() + DICTIONARY_BYTES;
        self.parts.keep_of(&self.slot, &self.opened, bytes, |kept| match kept.blocks.entry((self.column, number)) {
            Entry::Vacant(place) => {
                place.insert(block.clone());
                true
            }
            Entry::Occupied(_) => false,
        });
    }
}

/// How the Parquet library reads each column of the file alone.
///
/// # Errors
/// When a column has no such type.
pub(super) fn levels(reader: &ArrowReaderMetadata) -> Result<Vec<FieldLevels>, ParquetError> {
    let (parquet, arrow) = (reader.parquet_schema(), reader.schema().fields());
    let of_column =
        |column| parquet_to_arrow_field_levels(parquet, ProjectionMask::roots(parquet, [column]), Some(arrow));
    (0..arrow.len()).map(of_column).collect()
}

/// Of which columns it is known that none of so many rows has a value.
pub(super) fn empty_columns(reader: &ArrowReaderMetadata, index: Option<&PartIndex>, row_count: u64) -> Vec<bool> {
    let fields = reader.schema().fields();
    // As the file counts them, which it does not for strings.
    let value_count = |column: usize| {
        let mut groups = reader.metadata().row_groups().iter();
        groups.try_fold(row_count, |left, group| left.checked_sub(group.column(column).statistics()?.null_count_opt()?))
    };
    let is_empty = |column: usize| {
        let field = &fields[column];
        let Some(of_field) = index.and_then(|index| index.column(field.name())?.value_count) else {
            return value_count(column) == Some(0);
        };
        // Beside a column of numbers of addresses, which follows it, the index counts the values of both.
        let numbers = fields.get(column + 1).filter(|next| **next == addresses::numbers_field(field));
        numbers.map_or(Some(0), |_| value_count(column + 1)) == Some(of_field)
    };
    (0..fields.len()).map(is_empty).collect()
}

impl Opened {
    /// Bytes that it takes, about.
    fn bytes(&self) -> usize {
        self.reader.metadata().memory_size()
            + self.reader.schema().fields().len() * COLUMN_BYTES
            + self.index.as_ref().map_or(0, |index| index.bytes())
    }
}

/// Where a part has it, as long as it is kept.
#[derive(Debug, Default)]
pub(super) struct Slot {
    opened: Mutex<Option<Arc<Opened>>>,
    /// Whether it was asked for since the bound was last enforced here.
    was_used: AtomicBool,
}

impl Slot {
    /// What is kept.
    pub(super) fn get(&self) -> Option<Arc<Opened>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if opened.is_some() {
            self.was_used.store(true, Ordering::Relaxed);
        }
        opened
    }

    fn replace(&self, opened: Option<Arc<Opened>>) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = opened;
    }
}

/// The parts of which something is kept.
#[derive(Debug, Default)]
pub struct OpenedParts {
    state: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    /// Oldest first: slots and the bytes of what they hold.
    order: VecDeque<(Weak<Slot>, usize)>,
}

impl OpenedParts {
    /// Keeps what was read of a part in its slot, and forgets others where that is too much.
    pub(super) fn keep(&self, slot: &Arc<Slot>, opened: &Arc<Opened>) {
        let bytes = opened.bytes();
        let mut kept = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.get().is_some() {
            return;
        }
        slot.replace(Some(opened.clone()));
        kept.bytes += bytes;
        kept.order.push_back((Arc::downgrade(slot), bytes));
        kept.enforce(KEPT_BYTES_MAX);
    }

    /// Keeps so many bytes of a dictionary with what else is kept of its part, if `insert` finds that they are not there.
    fn keep_of(
        &self,
        slot: &Arc<Slot>,
        opened: &Arc<Opened>,
        bytes: usize,
        insert: impl FnOnce(&mut KeptStrings) -> bool,
    ) {
        if bytes > DICTIONARY_BYTES_MAX {
            return;
        }
        let mut kept = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let own = Arc::downgrade(slot);
        let is_kept = slot.get().is_some_and(|kept| Arc::ptr_eq(&kept, opened));
        let entry = kept.order.iter_mut().find(|(slot, _)| is_kept && Weak::ptr_eq(slot, &own));
        let Some((_, entry_bytes)) = entry else { return };
        if insert(&mut opened.dictionaries.lock()) {
            *entry_bytes += bytes;
            kept.bytes += bytes;
            kept.enforce(KEPT_BYTES_MAX);
        }
    }

    /// Forgets the parts that nobody asked for since this was last called.
    pub fn forget_unused(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).forget_unused();
    }
}

impl Kept {
    fn forget_unused(&mut self) {
        self.order.retain(|(slot, bytes)| {
            let part = slot.upgrade();
            let is_kept = part.as_ref().is_some_and(|part| part.was_used.swap(false, Ordering::Relaxed));
            if !is_kept {
                self.bytes -= bytes;
                part.inspect(|part| part.replace(None));
            }
            is_kept
        });
    }

    fn enforce(&mut self, bytes_max: usize) {
        // Each may get one more chance; after that somebody has to go.
        let mut chances = self.order.len();
        while self.bytes > bytes_max
            && let Some((slot, bytes)) = self.order.pop_front()
        {
            if let Some(part) = slot.upgrade() {
                if chances > 0 && part.was_used.swap(false, Ordering::Relaxed) {
                    chances -= 1;
                    self.order.push_back((slot, bytes));
                    continue;
                }
                part.replace(None);
            }
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slots of so many bytes each, kept in order, and those that are in use.
    fn kept(bytes: &[usize], used: &[usize], bytes_max: usize) -> Vec<usize> {
        let slots: Vec<Arc<Slot>> = bytes.iter().map(|_| Arc::default()).collect();
        let mut kept = Kept::default();
        for (slot, bytes) in slots.iter().zip(bytes) {
            kept.bytes += bytes;
            kept.order.push_back((Arc::downgrade(slot), *bytes));
        }
        used.iter().for_each(|place| slots[*place].was_used.store(true, Ordering::Relaxed));
        kept.enforce(bytes_max);
        let place_of = |slot: &Weak<Slot>| slots.iter().position(|own| Weak::ptr_eq(&Arc::downgrade(own), slot));
        let mut places: Vec<usize> = kept.order.iter().filter_map(|(slot, _)| place_of(slot)).collect();
        assert_eq!(kept.bytes, places.iter().map(|place| bytes[*place]).sum::<usize>());
        places.sort_unstable();
        places
    }

    #[test]
    fn the_oldest_goes_first_unless_it_was_used() {
        assert_eq!(kept(&[1, 1, 1], &[], 3), [0, 1, 2]);
        assert_eq!(kept(&[1, 1, 1], &[], 1), [2]);
        assert_eq!(kept(&[1, 1, 1], &[0], 2), [0, 2]);
        assert_eq!(kept(&[1, 1, 1], &[0, 1, 2], 1), [2], "the bound holds though all are in use");
        assert_eq!(kept(&[9], &[0], 3), [0; 0]);
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten() {
        let (used, unused) = (Arc::<Slot>::default(), Arc::<Slot>::default());
        let entry = |slot: &Arc<Slot>| (Arc::downgrade(slot), 3);
        let mut kept = Kept { bytes: 9, order: [entry(&used), entry(&unused), (Weak::new(), 3)].into() };
        used.was_used.store(true, Ordering::Relaxed);
        kept.forget_unused();
        assert_eq!((kept.bytes, kept.order.len()), (3, 1));
        kept.forget_unused();
        assert_eq!((kept.bytes, kept.order.len()), (0, 0), "it was not used again");
    }

    #[test]
    fn parts_that_are_gone_are_no_longer_counted() {
        let mut kept = Kept { bytes: 5, order: VecDeque::from([(Weak::new(), 5)]) };
        kept.enforce(4);
        assert_eq!((kept.bytes, kept.order.len()), (0, 0));
    }
}
