//! Taking one row of a table apart, quoting as in RFC 4180.
//!
//! Our own because a row must have a bound: a quote that is never closed must cost one row, not the rest of the file,
//! and the csv crate cannot go back. A quote inside an unquoted cell is an ordinary character, as spreadsheets write it.

use std::borrow::Cow;

/// One cell: where it is in the row, quotes included.
#[derive(Clone, Copy, Debug)]
struct Cell {
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    CellStart,
    Unquoted,
    Quoted,
    /// After a quote within quotes: the end, or the first of two that stand for one.
    QuoteSeen,
}

/// Finds the cells of a row, line by line while a quoted cell goes on.
#[derive(Debug)]
pub(crate) struct RowScanner {
    delimiter: u8,
    state: State,
    cell_start: usize,
    scanned: usize,
    cells: Vec<Cell>,
}

impl RowScanner {
    /// A scanner at the beginning of a row.
    pub(crate) const fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::CellStart, cell_start: 0, scanned: 0, cells: Vec::new() }
    }

    /// What stands between cells.
    pub(crate) const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Forgets the row.
    pub(crate) fn reset(&mut self) {
        self.state = State::CellStart;
        self.cell_start = 0;
        self.scanned = 0;
        self.cells.clear();
    }

    /// Goes on to the end of `row`, of which the part scanned before is unchanged; whether the row ends there.
    pub(crate) fn scan(&mut self, row: &[u8]) -> bool {
        while let Some(byte) = row.get(self.scanned).copied() {
            match self.state {
                State::CellStart if byte == b'"' => self.state = State::Quoted,
                State::CellStart | State::Unquoted | State::QuoteSeen if byte == self.delimiter => {
                    self.end_cell(self.scanned);
                    self.cell_start = self.scanned + 1;
                }
                State::QuoteSeen if byte == b'"' => self.state = State::Quoted,
                State::CellStart | State::QuoteSeen => self.state = State::Unquoted,
                State::Unquoted => {
                    self.scanned = find(self.delimiter, row, self.scanned);
                    continue;
                }
                State::Quoted if byte == b'"' => self.state = State::QuoteSeen,
                State::Quoted => {
                    self.scanned = find(b'"', row, self.scanned);
                    continue;
                }
            }
            self.scanned += 1;
        }
        if self.state == State::Quoted {
            return false;
        }
        self.end_cell(row.len());
        true
    }

    fn end_cell(&mut self, end: usize) {
        self.cells.push(Cell { start: self.cell_start, end });
        self.state = State::CellStart;
    }

    /// How many cells were found.
    pub(crate) const fn cell_count(&self) -> usize {
        self.cells.len()
    }

    /// The cells of the row that was scanned, unquoted.
    pub(crate) fn cells<'r>(&self, row: &'r str) -> impl Iterator<Item = Cow<'r, str>> {
        self.cells.iter().map(move |cell| unquoted(row.get(cell.start..cell.end).unwrap_or_default()))
    }
}

fn find(byte: u8, row: &[u8], from: usize) -> usize {
    memchr::memchr(byte, &row[from..]).map_or(row.len(), |at| from + at)
}

fn unquoted(cell: &str) -> Cow<'_, str> {
    let Some(inner) = cell.strip_prefix('"') else { return cell.into() };
    match inner.strip_suffix('"') {
        Some(content) if !content.contains('"') => content.into(),
        _ => {
            // Doubled quotes stand for one; text after the closing quote belongs to the cell.
            let mut text = String::with_capacity(inner.len());
            let mut is_quoted = true;
            let mut rest = inner.chars().peekable();
            while let Some(c) = rest.next() {
                if is_quoted && c == '"' {
                    match rest.next_if_eq(&'"') {
                        Some(quote) => text.push(quote),
                        None => is_quoted = false,
                    }
                } else {
                    text.push(c);
                }
            }
            text.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(row: &str, expected: &[&str]) {
        let mut scanner = RowScanner::new(b',');
        assert!(scanner.scan(row.as_bytes()), "{row}");
        assert_eq!(scanner.cells(row).collect::<Vec<_>>(), expected, "{row}");
    }

    #[test]
    fn rows_are_taken_apart() {
        check("a,b,c", &["a", "b", "c"]);
        check("", &[""]);
        check(",", &["", ""]);
        check(r#""a,b","",c"#, &["a,b", "", "c"]);
        check(r#""a ""b"" c",5" pipe"#, &[r#"a "b" c"#, r#"5" pipe"#]);
        check(r#""a"b,c"#, &["ab", "c"]);
        check("\"a\nb\",c", &["a\nb", "c"]);
        check(r#""""""#, &["\""]);
    }

    #[test]
    fn a_row_goes_on_while_a_quote_is_open() {
        let mut scanner = RowScanner::new(b';');
        assert!(!scanner.scan(b"a;\"b"));
        assert!(!scanner.scan(b"a;\"b\n\"\""));
        assert!(scanner.scan(b"a;\"b\n\"\"c\";d"));
        assert_eq!(scanner.cells("a;\"b\n\"\"c\";d").collect::<Vec<_>>(), ["a", "b\n\"c", "d"]);
    }
}
