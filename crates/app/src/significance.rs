//! By how much more frequent something is among some events than among others, and whether that may be chance. Pure.

/// Of how many events something is true, among how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Events of which it is true.
    pub count: u64,
    /// Events in all.
    pub total: u64,
}

impl Share {
    /// The share itself, 0 to 1; 0 of no events.
    pub fn value(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.count as f64 / self.total as f64 }
    }
}

/// By how much a share grew, times how often it grew: high where something frequent became much more frequent. 0 where it did not grow.
///
/// Source: Elasticsearch's `JLHScore`; what is true of none of the others is taken for true of one of them.
pub fn growth(here: Share, elsewhere: Share) -> f64 {
    if here.total == 0 || elsewhere.total == 0 {
        return 0.0;
    }
    let before = Share { count: elsewhere.count.max(1), ..elsewhere }.value();
    let grown = here.value() - before;
    if grown <= 0.0 { 0.0 } else { grown * (here.value() / before) }
}

/// How many standard errors the two shares lie apart if both are chance of one and the same.
///
/// Source: the z-test of two proportions with pooled variance.
pub fn standard_errors_apart(here: Share, elsewhere: Share) -> f64 {
    if here.total == 0 || elsewhere.total == 0 {
        return 0.0;
    }
    let (here_total, elsewhere_total) = (here.total as f64, elsewhere.total as f64);
    let pooled = (here.count as f64 + elsewhere.count as f64) / (here_total + elsewhere_total);
    let variance = pooled * (1.0 - pooled) * (1.0 / here_total + 1.0 / elsewhere_total);
    if variance <= 0.0 { 0.0 } else { (here.value() - elsewhere.value()) / variance.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(count: u64, total: u64) -> Share {
        Share { count, total }
    }

    #[test]
    fn what_became_more_frequent_grew() {
        let check = |here: Share, elsewhere: Share, expected: f64| {
            let found = growth(here, elsewhere);
            assert!((found - expected).abs() < 1e-12, "{here:?} {elsewhere:?}: {found}");
        };
        check(share(5, 10), share(5, 100), 4.5);
        check(share(5, 10), share(50, 100), 0.0);
        check(share(1, 10), share(50, 100), 0.0);
        check(share(5, 10), share(0, 100), 24.5);
        check(share(0, 0), share(1, 2), 0.0);
        check(share(1, 2), share(0, 0), 0.0);
    }

    #[test]
    fn chance_is_told_from_difference() {
        let check = |here: Share, elsewhere: Share, expected: f64| {
            let found = standard_errors_apart(here, elsewhere);
            assert!((found - expected).abs() < 1e-3, "{here:?} {elsewhere:?}: {found}");
        };
        check(share(50, 100), share(500, 1_000), 0.0);
        check(share(60, 100), share(40, 100), 2.828);
        check(share(600, 1_000), share(400, 1_000), 8.944);
        check(share(5, 5), share(7, 7), 0.0);
        check(share(0, 0), share(7, 7), 0.0);
        assert!(standard_errors_apart(share(1, 100), share(90, 100)) < 0.0);
    }
}
