//! Places of a text that are to be replaced, and the text afterwards. Where two overlap, one mark covers both.

use super::card::Card;
use super::kind::{RedactionCounts, RedactionKind};

/// What is at a place.
#[derive(Clone, Copy)]
pub(super) enum What {
    /// A card number, of which the ends are shown.
    Card(Card),
    /// Something with a card number in it, of which nothing is shown.
    Holder(RedactionKind, Card),
    /// A secret.
    Secret(RedactionKind),
}

impl What {
    const fn kind(&self) -> RedactionKind {
        match self {
            Self::Card(_) => RedactionKind::Card,
            Self::Holder(kind, _) | Self::Secret(kind) => *kind,
        }
    }

    /// The card, if there is one.
    pub(super) const fn card(&self) -> Option<Card> {
        match self {
            Self::Card(card) | Self::Holder(_, card) => Some(*card),
            Self::Secret(_) => None,
        }
    }

    fn replacement(&self) -> String {
        match self {
            Self::Card(card) => card.masked(),
            Self::Holder(kind, _) | Self::Secret(kind) => kind.mark(),
        }
    }
}

struct Span {
    start: usize,
    end: usize,
    what: What,
}

/// What was found in one text.
#[derive(Default)]
pub(super) struct Spans(Vec<Span>);

impl Spans {
    /// Notes what is between two places of the text.
    pub(super) fn note(&mut self, start: usize, end: usize, what: What) {
        self.0.push(Span { start, end, what });
    }

    /// Whether nothing was found.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first card that was found.
    pub(super) fn first_card(&self) -> Option<Card> {
        self.0.iter().find_map(|span| span.what.card())
    }

    /// The one number that the whole text of so many bytes is.
    pub(super) fn whole_number(&self, text_bytes: usize) -> Option<Card> {
        match &self.0[..] {
            [Span { start: 0, end, what: What::Card(card) }] if *end == text_bytes => Some(*card),
            _ => None,
        }
    }

    /// The text with every place replaced; each replacement is counted.
    pub(super) fn replace(mut self, text: &str, counts: &mut RedactionCounts) -> String {
        // A secret of which nothing is shown goes before a card at the same place.
        self.0.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end), matches!(span.what, What::Card(_))));
        let mut replaced = String::with_capacity(text.len());
        let mut done = 0;
        for span in self.0 {
            if span.start >= done {
                replaced.push_str(&text[done..span.start]);
                replaced.push_str(&span.what.replacement());
                counts.note(span.what.kind());
            }
            done = done.max(span.end);
        }
        replaced.push_str(&text[done..]);
        replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, places: &[(usize, usize)], expected: &str, count: u64) {
        let (mut spans, mut counts) = (Spans::default(), RedactionCounts::default());
        places.iter().for_each(|(start, end)| spans.note(*start, *end, What::Secret(RedactionKind::Cvv)));
        assert_eq!((spans.replace(text, &mut counts).as_str(), counts.total()), (expected, count), "{text}");
    }

    #[test]
    fn places_are_replaced_once() {
        check("abcdef", &[], "abcdef", 0);
        check("abcdef", &[(4, 6), (0, 2)], "[redacted:cvv]cd[redacted:cvv]", 2);
        check("abcdef", &[(1, 3), (2, 5)], "a[redacted:cvv]f", 1);
        check("abcdef", &[(1, 5), (2, 3)], "a[redacted:cvv]f", 1);
    }
}
