//! Parts of a rule whose value is a text or a list of texts: borrowed from the rule or from the payment.
//!
//! No text is made here. A text in small letters is only marked as such, and put into them where it is looked at.

use std::collections::HashSet;

use super::bounds::{LOWERED_IN_PLACE_BYTES_MAX, SEARCHED_FROM_FRONT_MAX};
use super::frame::{Frame, Place, Stop, both};
use super::operand::{Closure, Operand};

/// Where a text comes from.
pub(super) enum TextSource {
    Constant(Box<str>),
    Slot(Place),
    /// The text of a loop, counted from the innermost.
    Variable(usize),
    /// `lowerAscii()` of another.
    Lowered(Box<TextSource>),
    Choose(Box<(Closure<bool>, TextSource, TextSource)>),
}

/// A text, and whether its small letters are meant.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    text: &'a str,
    is_lowered: bool,
}

impl TextSource {
    pub(super) fn read<'a>(&'a self, frame: &Frame<'a>) -> Result<Read<'a>, Stop> {
        let text = match self {
            Self::Constant(text) => text,
            Self::Slot(place) => frame.text(*place)?,
            Self::Variable(loops_outwards) => frame.variable(*loops_outwards),
            Self::Lowered(inner) => return Ok(Read { is_lowered: true, ..inner.read(frame)? }),
            Self::Choose(parts) => {
                let (condition, yes, no) = &**parts;
                return if condition(frame)? { yes.read(frame) } else { no.read(frame) };
            }
        };
        Ok(Read { text, is_lowered: false })
    }

    /// Its ASCII letters as small ones.
    pub(super) fn lowered(self) -> Self {
        match self {
            Self::Constant(text) => Self::Constant(text.to_ascii_lowercase().into()),
            other @ (Self::Slot(_) | Self::Variable(_) | Self::Lowered(_) | Self::Choose(_)) => {
                Self::Lowered(Box::new(other))
            }
        }
    }

    pub(super) fn choose(condition: Operand<bool>, yes: Self, no: Self) -> Self {
        match condition {
            Operand::Constant(true) => yes,
            Operand::Constant(false) => no,
            other @ (Operand::Slot(_) | Operand::Closure(_)) => Self::Choose(Box::new((other.into_closure(), yes, no))),
        }
    }
}

impl Read<'_> {
    /// Looks at the text. Memory is asked for only if it is longer than [`LOWERED_IN_PLACE_BYTES_MAX`] and has capital letters that
    /// are to be small.
    pub(super) fn look<R>(self, look: impl FnOnce(&str) -> R) -> R {
        if !self.is_lowered || !self.text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return look(self.text);
        }
        let mut buffer = [0; LOWERED_IN_PLACE_BYTES_MAX];
        let Some(bytes) = buffer.get_mut(..self.text.len()) else { return look(&self.text.to_ascii_lowercase()) };
        bytes.copy_from_slice(self.text.as_bytes());
        bytes.make_ascii_lowercase();
        look(std::str::from_utf8(bytes).unwrap_or_default())
    }
}

/// What a test says of a text.
pub(super) fn test(
    text: TextSource,
    test: impl Fn(&str) -> Result<bool, Stop> + Send + Sync + 'static,
) -> Operand<bool> {
    match text {
        TextSource::Slot(place) => Operand::worked_out(move |frame| test(frame.text(place)?)),
        other => Operand::worked_out(move |frame| other.read(frame)?.look(&test)),
    }
}

/// What a test says of two texts.
pub(super) fn test_both(
    left: TextSource,
    right: TextSource,
    test: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
) -> Operand<bool> {
    match (left, right) {
        (TextSource::Constant(left), TextSource::Constant(right)) => Operand::Constant(test(&left, &right)),
        (TextSource::Slot(left), TextSource::Constant(right)) => {
            Operand::worked_out(move |frame| Ok(test(frame.text(left)?, &right)))
        }
        (TextSource::Slot(left), TextSource::Slot(right)) => Operand::worked_out(move |frame| {
            let (left, right) = both(frame.text(left), frame.text(right))?;
            Ok(test(left, right))
        }),
        (left, right) => Operand::worked_out(move |frame| {
            let (left, right) = both(left.read(frame), right.read(frame))?;
            Ok(left.look(|left| right.look(|right| test(left, right))))
        }),
    }
}

/// Where a list of texts comes from.
pub(super) enum ListSource {
    Constant(Box<[String]>),
    Slot(Place),
    Choose(Box<(Closure<bool>, ListSource, ListSource)>),
}

impl ListSource {
    pub(super) fn read<'a>(&'a self, frame: &Frame<'a>) -> Result<&'a [String], Stop> {
        match self {
            Self::Constant(texts) => Ok(texts),
            Self::Slot(place) => frame.texts(*place),
            Self::Choose(parts) => {
                let (condition, yes, no) = &**parts;
                if condition(frame)? { yes.read(frame) } else { no.read(frame) }
            }
        }
    }

    pub(super) fn choose(condition: Operand<bool>, yes: Self, no: Self) -> Self {
        match condition {
            Operand::Constant(true) => yes,
            Operand::Constant(false) => no,
            other @ (Operand::Slot(_) | Operand::Closure(_)) => Self::Choose(Box::new((other.into_closure(), yes, no))),
        }
    }
}

/// Texts of a rule that others are searched among.
enum TextSet {
    Few(Box<[String]>),
    Many(HashSet<String, foldhash::fast::RandomState>),
}

impl TextSet {
    fn new(texts: Box<[String]>) -> Self {
        if texts.len() <= SEARCHED_FROM_FRONT_MAX { Self::Few(texts) } else { Self::Many(texts.into_iter().collect()) }
    }

    fn contains(&self, text: &str) -> bool {
        match self {
            Self::Few(texts) => texts.iter().any(|known| known == text),
            Self::Many(texts) => texts.contains(text),
        }
    }
}

/// Whether a text is in a list.
pub(super) fn is_in(text: TextSource, list: ListSource) -> Operand<bool> {
    match list {
        ListSource::Constant(texts) => {
            let set = TextSet::new(texts);
            if let TextSource::Constant(text) = text {
                return Operand::Constant(set.contains(&text));
            }
            test(text, move |text| Ok(set.contains(text)))
        }
        list @ (ListSource::Slot(_) | ListSource::Choose(_)) => Operand::worked_out(move |frame| {
            let (text, texts) = both(text.read(frame), list.read(frame))?;
            Ok(text.look(|text| texts.iter().any(|known| known == text)))
        }),
    }
}
