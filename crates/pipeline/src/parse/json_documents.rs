//! JSON that spans lines: one list of objects, or objects that follow one another, pretty-printed or not.
//!
//! Read element by element, so that a list of any length needs the memory of one element.

use super::json_elements::{Element, ElementReader};
use super::json_value::{object_of, parse_json};
use super::{Bytes, Draft, Record, RecordReader, draft_of_text, too_large};
use crate::detect::Head;
use crate::error::DecodeError;

/// How sure it is that this is a list of objects.
pub(crate) fn list_score(head: &Head<'_>) -> u8 {
    if head.first_bytes(b'[').is_some_and(|next| matches!(next, b'{' | b'[' | b']')) { 90 } else { 0 }
}

/// How sure it is that these are objects over several lines.
pub(crate) fn object_score(head: &Head<'_>) -> u8 {
    if head.first_bytes(b'{').is_some_and(|next| matches!(next, b'"' | b'}')) { 90 } else { 0 }
}

/// Reads the elements of a list, or documents that follow one another.
pub(crate) struct DocumentReader<'a> {
    elements: ElementReader<'a>,
    record_bytes_max: usize,
    is_finished: bool,
}

impl<'a> DocumentReader<'a> {
    /// Of one list.
    pub(crate) const fn of_list(input: Bytes<'a>, record_bytes_max: usize) -> Self {
        Self { elements: ElementReader::new(input, true, record_bytes_max), record_bytes_max, is_finished: false }
    }

    /// Of documents that follow one another.
    pub(crate) const fn of_documents(input: Bytes<'a>, record_bytes_max: usize) -> Self {
        Self { elements: ElementReader::new(input, false, record_bytes_max), record_bytes_max, is_finished: false }
    }
}

impl RecordReader for DocumentReader<'_> {
    fn next_record(&mut self) -> Result<Option<Record>, DecodeError> {
        if self.is_finished {
            return Ok(None);
        }
        let element = self.elements.next_element()?;
        let outcome = match element {
            Element::Whole => draft_of_text(&self.elements.buffer, |text| object_of(parse_json(text)?).map(Draft::new)),
            Element::TooLong(size) => Err(too_large(size, self.record_bytes_max)),
            Element::Unclosed => {
                self.is_finished = true;
                Err("the JSON that begins here is not closed: the input may have been cut off".to_owned())
            }
            Element::End(true) => {
                self.is_finished = true;
                Err("the list is not closed with \"]\": the input may have been cut off".to_owned())
            }
            Element::End(false) => return Ok(None),
        };
        Ok(Some(Record { line: self.elements.line(), size_bytes: self.elements.size_bytes(), outcome }))
    }

    fn raw(&self) -> &[u8] {
        &self.elements.buffer
    }
}
