//! Documented differences: which sections a server fails on purpose, and why. A line each: `folder/file: section | reason`, where `*` stands
//! for any text.

/// The list.
#[derive(Debug, Default)]
pub struct Reasons(Vec<(String, String)>);

impl Reasons {
    /// Reads the list; blank lines and lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// A line without a reason, with its number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reasons = Vec::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        {
            let (pattern, reason) = line
                .split_once('|')
                .map(|(pattern, reason)| (pattern.trim(), reason.trim()))
                .filter(|(pattern, reason)| !pattern.is_empty() && !reason.is_empty())
                .ok_or_else(|| format!("line {}: write \"folder/file: section | reason\"", at + 1))?;
            reasons.push((pattern.to_owned(), reason.to_owned()));
        }
        Ok(Self(reasons))
    }

    /// The first reason that fits a section.
    pub fn of(&self, section: &str) -> Option<&str> {
        self.0.iter().find(|(pattern, _)| matches(pattern, section)).map(|(_, reason)| reason.as_str())
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let reasons =
            Reasons::parse("# why\n\nupdate/* | logs do not change\nget/10*: *routing* | one shard\n*x*y | last\n")
                .unwrap();
        let check = |section: &str, expected: Option<&str>| assert_eq!(reasons.of(section), expected, "{section}");
        check("update/10_doc: Partial", Some("logs do not change"));
        check("get/10_basic: With routing set", Some("one shard"));
        check("get/20_basic: With routing set", None);
        check("axbxy", Some("last"));
        check("xa", None);
        assert!(Reasons::parse("a | b\nno reason here").unwrap_err().starts_with("line 2"));
    }
}
