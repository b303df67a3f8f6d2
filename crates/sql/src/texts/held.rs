//! Strings that are counted as long as any array refers to them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, GenericStringArray, OffsetSizeTrait, StringViewArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use vigie_storage::TableSession;

/// What the strings of one statement hold.
pub struct TextMemory {
    session: Arc<TableSession>,
    is_running: AtomicBool,
}

impl TextMemory {
    /// Nothing held yet; the statement is being planned.
    pub const fn new(session: Arc<TableSession>) -> Self {
        Self { session, is_running: AtomicBool::new(false) }
    }

    /// Planning is over: rows are made from now on.
    pub fn begin_rows(&self) {
        self.is_running.store(true, Ordering::Relaxed);
    }

    /// Whether rows are being made.
    pub(super) fn is_running(&self) -> bool {
        self.is_running.load(Ordering::Relaxed)
    }

    /// Holds so many bytes until what is answered is dropped.
    ///
    /// # Errors
    /// When the statement may not hold so many.
    pub(super) fn hold(self: &Arc<Self>, bytes: usize) -> Result<Held> {
        self.session.grow(bytes).map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(Held { memory: Arc::clone(self), bytes })
    }
}

impl fmt::Debug for TextMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextMemory")
    }
}

/// Bytes that are held.
pub(super) struct Held {
    memory: Arc<TextMemory>,
    bytes: usize,
}

impl Held {
    /// Holds fewer.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let freed = self.bytes.saturating_sub(bytes);
        self.memory.session.shrink(freed);
        self.bytes -= freed;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.session.shrink(self.bytes);
    }
}

/// Bytes of the strings of an array.
pub(super) fn text_bytes(array: &ArrayRef) -> usize {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().values().len(),
        DataType::LargeUtf8 => array.as_string::<i64>().values().len(),
        DataType::Utf8View => array.as_string_view().data_buffers().iter().map(Buffer::len).sum(),
        _ => 0,
    }
}

/// The same array, whose strings are held until it and all that refers to them is dropped.
///
/// # Errors
/// When it is no array of strings at all.
pub(super) fn kept(array: &ArrayRef, held: Held) -> Result<ArrayRef> {
    let held = Arc::new(held);
    Ok(match array.data_type() {
        DataType::Utf8 => kept_texts(array.as_string::<i32>(), &held)?,
        DataType::LargeUtf8 => kept_texts(array.as_string::<i64>(), &held)?,
        DataType::Utf8View => {
            let (views, buffers, nulls) = array.as_string_view().clone().into_parts();
            let buffers: Vec<Buffer> = buffers.iter().map(|buffer| owned(buffer, &held)).collect();
            Arc::new(StringViewArray::try_new(views, buffers, nulls)?)
        }
        _ => array.clone(),
    })
}

fn kept_texts<O: OffsetSizeTrait>(array: &GenericStringArray<O>, held: &Arc<Held>) -> Result<ArrayRef> {
    let (offsets, values, nulls) = array.clone().into_parts();
    Ok(Arc::new(GenericStringArray::<O>::try_new(offsets, owned(&values, held), nulls)?))
}

/// Bytes of strings, and what is held for them.
struct OwnedBytes {
    bytes: Buffer,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for OwnedBytes {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_slice()
    }
}

fn owned(bytes: &Buffer, held: &Arc<Held>) -> Buffer {
    Buffer::from(Bytes::from_owner(OwnedBytes { bytes: bytes.clone(), _held: Arc::clone(held) }))
}
