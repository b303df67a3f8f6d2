//! Versions of a server and ranges of them, as `skip` names them: `" - 2.99.99"`, `"3.2.0 - "`, `all`, several parted by commas.

use std::fmt;

/// A version: three numbers; what follows them (`-SNAPSHOT`) is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 3]);

impl Version {
    /// Reads `3.6.0`, `3.6` or `3.6.0-SNAPSHOT`.
    ///
    /// # Errors
    /// Text that does not begin with a number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = text.trim().split('-').next().unwrap_or_default();
        let mut parts = [0; 3];
        for (at, piece) in number.split('.').take(3).enumerate() {
            parts[at] = piece.parse().map_err(|_| format!("\"{text}\" is no version, such as 3.6.0"))?;
        }
        Ok(Self(parts))
    }

    /// Whether one of the ranges holds it.
    ///
    /// # Errors
    /// A range that cannot be read.
    pub fn is_within(self, ranges: &str) -> Result<bool, String> {
        for range in ranges.split(',') {
            if range.trim() == "all" {
                return Ok(true);
            }
            let (lower, upper) = range.split_once('-').ok_or_else(|| format!("\"{range}\" is no range of versions"))?;
            let bound = |text: &str| if text.trim().is_empty() { Ok(None) } else { Self::parse(text).map(Some) };
            let is_above = bound(lower)?.is_none_or(|lower| lower <= self);
            if is_above && bound(upper)?.is_none_or(|upper| self <= upper) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_bounds() {
        let check = |version: &str, ranges: &str, expected: bool| {
            assert_eq!(Version::parse(version).unwrap().is_within(ranges), Ok(expected), "{version} in {ranges}");
        };
        check("3.6.0", " - 3.5.99", false);
        check("3.5.99", " - 3.5.99", true);
        check("3.6.0", "2.19.0 - ", true);
        check("2.18.3", "2.19.0 - ", false);
        check("3.6.0", "all", true);
        check("3.6.0", " - ", true);
        check("3.6.0", " - 2.0.0, 3.6.0 - 3.6.0", true);
        assert!(Version::parse("new").is_err());
        assert!(Version([3, 6, 0]).is_within("3.6").is_err());
    }
}
