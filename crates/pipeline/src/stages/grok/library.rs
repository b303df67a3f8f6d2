//! The expressions that patterns are made of, by name: the library that is compiled in, and a pipeline's own.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

/// Every file of the library.
const FILES: [&str; 4] = [
    include_str!("patterns/base.txt"),
    include_str!("patterns/web.txt"),
    include_str!("patterns/system.txt"),
    include_str!("patterns/others.txt"),
];

/// Names and expressions of the library.
static LIBRARY: LazyLock<HashMap<&'static str, &'static str, FixedState>> =
    LazyLock::new(|| FILES.iter().flat_map(|file| definitions(file)).collect());

/// The lines of a file that are definitions: `NAME expression`.
fn definitions(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' '))
}

/// The expression of that name in the library.
pub(crate) fn expression(name: &str) -> Option<&'static str> {
    LIBRARY.get(name).copied()
}

/// Every name of the library, in no order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    LIBRARY.keys().copied()
}
