//! Columns in bins of about as many rows each: what trees are grown on.

/// Bins of a column at most. Many, since frauds are few and lie in the tails: where 255 bins are shared out evenly, as is usual, the last
/// one holds all amounts above the 99.6th percentile, and no tree can part them.
const BINS_MAX: usize = 4_096;

/// A column as the bin of each row, and where bins end.
pub(crate) struct Binned {
    /// The bin of each row.
    pub(crate) bins: Vec<u16>,
    /// The greatest value of each bin but the last.
    pub(crate) cuts: Vec<f64>,
}

impl Binned {
    /// How many bins there are.
    pub(crate) fn bin_count(&self) -> usize {
        self.cuts.len() + 1
    }
}

/// What is no number counts as less than every number: in models as in bins.
pub(crate) fn ordered(value: f64) -> f64 {
    if value.is_nan() { f64::NEG_INFINITY } else { value }
}

/// Cuts a column into bins.
pub(crate) fn bin(column: &[f64]) -> Binned {
    let mut sorted: Vec<f64> = column.iter().copied().map(ordered).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let cuts = cuts(&sorted);
    let bins = column.iter().map(|value| cuts.partition_point(|cut| *cut < ordered(*value)) as u16).collect();
    Binned { bins, cuts }
}

/// Cuts lie halfway between neighbours: a new value goes to the nearer bin.
fn cuts(sorted: &[f64]) -> Vec<f64> {
    let mut different = sorted.to_vec();
    different.dedup();
    let between = |pair: &[f64]| {
        let middle = pair[0] + (pair[1] - pair[0]) / 2.0;
        // From minus infinity there is no half way.
        if middle.is_finite() && middle < pair[1] { middle } else { pair[0] }
    };
    if different.len() <= BINS_MAX {
        return different.windows(2).map(between).collect();
    }
    let mut cuts: Vec<f64> = Vec::with_capacity(BINS_MAX);
    for share in 1..BINS_MAX {
        let value = sorted[share * sorted.len() / BINS_MAX];
        let place = different.partition_point(|known| *known < value);
        let cut = different.get(place..place + 2).map_or(value, between);
        if cuts.last().is_none_or(|last| *last < cut) && place + 1 < different.len() {
            cuts.push(cut);
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_get_a_bin_each() {
        let binned = bin(&[3.0, 1.0, f64::NAN, 1.0, 2.0]);
        assert_eq!(binned.bins, [3, 1, 0, 1, 2]);
        assert_eq!(binned.cuts, [f64::NEG_INFINITY, 1.5, 2.5]);
    }

    #[test]
    fn many_values_are_shared_out_evenly() {
        let column: Vec<f64> = (0..100_000).map(f64::from).collect();
        let binned = bin(&column);
        assert!(binned.bin_count() <= BINS_MAX && binned.bin_count() > 4_000, "{}", binned.bin_count());
        let mut counts = vec![0; binned.bin_count()];
        binned.bins.iter().for_each(|bin| counts[usize::from(*bin)] += 1);
        assert!(counts.iter().all(|count| *count < 50), "{counts:?}");
    }

    #[test]
    fn a_column_of_one_value_has_one_bin() {
        assert_eq!(bin(&[4.0, 4.0]).bin_count(), 1);
        assert_eq!(bin(&[]).bin_count(), 1);
    }
}
