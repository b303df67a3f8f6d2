//! The names of lines in the order in which they are sent, as a tree: lines that begin with the same names share the way.

use vigie_domain::event_batch::ValueRef;

use super::shape::{Added, Shape};
use crate::convert::ID_FIELD;
use crate::convert::known::{Known, known};
use crate::parse::json_reader::Reader;
use crate::redact::{Redactor, names_secret};

/// Names of the whole tree; a sender that names fields after values goes the long way.
const PLACES_MAX: usize = 4_096;
/// Names that follow one: they are looked through one by one.
const NEXT_MAX: usize = 16;
/// Fields of all shapes that are learned: each takes some hundred bytes, and again for each layout of its lines.
const SHAPE_FIELDS_MAX: usize = 16 * 1_024;
/// Fields of a line.
const FIELDS_MAX: usize = 256;
/// Bytes of a name.
const NAME_BYTES_MAX: usize = 128;
/// Where every line begins.
const START: u32 = 0;

/// What was learned of the names of lines.
#[derive(Debug)]
pub(super) struct Names {
    places: Vec<Place>,
    /// Fields of the shapes that were learned.
    shape_fields: usize,
}

/// A field on the way of some lines.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) name: Box<str>,
    /// Whether its value is null: fields without a value decide nothing.
    pub(super) is_null: bool,
    /// What is known of its value; nothing when it has none.
    pub(super) known: Option<&'static Known>,
    before: u32,
    next: Vec<u32>,
    shape: Learned,
}

#[derive(Debug)]
enum Learned {
    NotYet,
    /// Lines that end here go the long way.
    Never,
    Shape(Box<Shape>),
}

impl Default for Names {
    fn default() -> Self {
        Self { places: vec![Place::new("", false, START)], shape_fields: 0 }
    }
}

impl Place {
    fn new(name: &str, is_null: bool, before: u32) -> Self {
        let known = if is_null { None } else { known(name) };
        Self { name: name.into(), is_null, known, before, next: Vec::new(), shape: Learned::NotYet }
    }
}

impl Names {
    /// The place where the line ends, and its values; `None` when it must go the long way.
    pub(super) fn read<'l>(
        &mut self,
        line: &'l str,
        redactor: &Redactor,
        values: &mut Vec<ValueRef<'l>>,
    ) -> Option<u32> {
        let mut reader = Reader::new(line);
        let mut place = START;
        let mut opening = b'{';
        while reader.pass(opening) {
            opening = b',';
            if !reader.pass(b'"') || values.len() == FIELDS_MAX {
                return None;
            }
            let next = &self.places[place as usize].next;
            let expected =
                next.iter().find(|next| reader.pass_rest_of_string(&self.places[**next as usize].name)).copied();
            let name = if expected.is_none() { reader.rest_of_plain_string()? } else { "" };
            let value = if reader.pass(b':') { reader.plain_value()? } else { return None };
            let is_null = value == ValueRef::Null;
            place = match expected {
                Some(next) if self.places[next as usize].is_null == is_null => next,
                Some(other) => {
                    let name = self.places[other as usize].name.clone();
                    self.step(place, &name, is_null)?
                }
                None => self.step(place, name, is_null)?,
            };
            if !redactor.leaves(&value) {
                return None;
            }
            values.push(value);
        }
        (reader.pass(b'}') && reader.is_at_end()).then_some(place)
    }

    /// The place of the field after this one; `None` when lines with it go the long way.
    pub(super) fn step(&mut self, before: u32, name: &str, is_null: bool) -> Option<u32> {
        let next = &self.places[before as usize].next;
        let is_it = |place: &Place| *place.name == *name && place.is_null == is_null;
        if let Some(known) = next.iter().find(|next| is_it(&self.places[**next as usize])) {
            return Some(*known);
        }
        let is_full = next.len() >= NEXT_MAX || self.places.len() >= PLACES_MAX || name.len() > NAME_BYTES_MAX;
        if is_full || name == ID_FIELD || names_secret(name) {
            return None;
        }
        let place = self.places.len() as u32;
        self.places.push(Place::new(name, is_null, before));
        self.places[before as usize].next.push(place);
        Some(place)
    }

    /// The shape of lines that end at the place; `None` when they go the long way.
    pub(super) fn shape(&mut self, place: u32, added: Added) -> Option<&mut Shape> {
        if matches!(self.places[place as usize].shape, Learned::NotYet) {
            let way = self.way_to(place);
            let field_count = way.len();
            let has_room = self.shape_fields + field_count <= SHAPE_FIELDS_MAX;
            let shape = if has_room { Shape::of(&way, added) } else { None };
            self.shape_fields += if shape.is_some() { field_count } else { 0 };
            self.places[place as usize].shape = shape.map_or(Learned::Never, |shape| Learned::Shape(Box::new(shape)));
        }
        match &mut self.places[place as usize].shape {
            Learned::Shape(shape) => Some(shape),
            Learned::NotYet | Learned::Never => None,
        }
    }

    /// The fields of lines that end at the place.
    fn way_to(&self, place: u32) -> Vec<&Place> {
        let step = |place: &u32| Some(self.places[*place as usize].before);
        let back = std::iter::successors(Some(place), step).take_while(|place| *place != START);
        let mut way: Vec<&Place> = back.map(|place| &self.places[place as usize]).collect();
        way.reverse();
        way
    }
}
