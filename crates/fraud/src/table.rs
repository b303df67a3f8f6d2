//! Rows of numbers, kept by column.

/// The features of many payments: as many columns as features, all of the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<Vec<f64>>,
}

impl Table {
    /// Without rows.
    pub fn new(column_count: usize) -> Self {
        Self { columns: vec![Vec::new(); column_count] }
    }

    /// Appends a row. Values beyond the columns are left out, missing ones are no numbers.
    pub fn push(&mut self, row: &[f64]) {
        for (place, column) in self.columns.iter_mut().enumerate() {
            column.push(row.get(place).copied().unwrap_or(f64::NAN));
        }
    }

    /// How many rows.
    pub fn row_count(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// The values of each column.
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// One row; empty behind the last.
    pub fn row(&self, row: usize) -> Vec<f64> {
        self.columns.iter().filter_map(|column| column.get(row).copied()).collect()
    }

    /// The rows named, with the first `column_count` columns.
    #[must_use]
    pub fn pick(&self, rows: &[usize], column_count: usize) -> Self {
        let pick = |column: &Vec<f64>| rows.iter().filter_map(|row| column.get(*row).copied()).collect();
        Self { columns: self.columns.iter().take(column_count).map(pick).collect() }
    }
}
