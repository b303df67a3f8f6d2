//! Spans of numbers of one width.

/// Spans that follow one another from the offset on, in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberSpans {
    /// Width, above 0.
    pub interval: f64,
    /// Where one of them begins.
    pub offset: f64,
}

impl NumberSpans {
    /// The place of the span that holds the number, 0 for the one that begins at the offset; places that `i64` does not
    /// reach become the nearest.
    pub fn place_of(&self, number: f64) -> i64 {
        ((number - self.offset) / self.interval).floor() as i64
    }

    /// The place of the span that begins nearest to the number.
    pub fn nearest_place(&self, number: f64) -> i64 {
        ((number - self.offset) / self.interval).round() as i64
    }

    /// Where the span at that place begins.
    pub fn start_of(&self, place: i64) -> f64 {
        place as f64 * self.interval + self.offset
    }

    /// Whether they are spans at all.
    pub fn are_valid(&self) -> bool {
        self.interval > 0.0 && self.interval.is_finite() && self.offset.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lie_in_the_span_that_begins_at_or_below_them() {
        let check = |interval: f64, offset: f64, number: f64, expected: (i64, f64)| {
            let spans = NumberSpans { interval, offset };
            let place = spans.place_of(number);
            assert_eq!((place, spans.start_of(place)), expected, "{number} by {interval} from {offset}");
            assert_eq!(spans.nearest_place(spans.start_of(place)), place);
        };
        check(10.0, 0.0, 9.99, (0, 0.0));
        check(10.0, 0.0, 10.0, (1, 10.0));
        check(10.0, 0.0, -0.5, (-1, -10.0));
        check(10.0, 5.0, 4.0, (-1, -5.0));
        check(2.5, 0.0, 7.6, (3, 7.5));
        check(0.1, 0.0, 0.35, (3, 0.300_000_000_000_000_04));
        assert_eq!(NumberSpans { interval: 1e-300, offset: 0.0 }.place_of(1e300), i64::MAX);
    }

    #[test]
    fn spans_have_a_width() {
        let is_valid = |interval: f64, offset: f64| NumberSpans { interval, offset }.are_valid();
        assert!(is_valid(0.1, -3.0));
        assert!(
            !is_valid(0.0, 0.0) && !is_valid(-1.0, 0.0) && !is_valid(f64::NAN, 0.0) && !is_valid(1.0, f64::INFINITY)
        );
    }
}
