//! Walks over the text of a query: words with escapes and wildcards, quotations, spans.

/// A place in the text.
#[derive(Clone)]
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

/// A word as typed: its characters, and whether each was escaped.
#[derive(Default)]
pub(super) struct Word {
    characters: Vec<(char, bool)>,
}

/// What ends a word wherever it stands.
fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, '(' | ')' | '"')
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    pub(super) fn advance(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.advance();
        }
    }

    /// The bytes of the word that stands here, or the last character of the text when it ends here.
    pub(super) fn span_here(&self) -> (usize, usize) {
        let rest = &self.text[self.at..];
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let length = rest.char_indices().find(|(index, character)| *index > 0 && ends_word(*character));
        let length = length.map_or(rest.len(), |(index, _)| index).max(first);
        if length > 0 {
            return (self.at, self.at + length);
        }
        let last = self.text.chars().next_back().map_or(0, char::len_utf8);
        (self.at - last, self.at)
    }

    /// Whether the sign here stands before a condition: something other than space follows it.
    pub(super) fn is_prefix(&self) -> bool {
        self.text[self.at..].chars().nth(1).is_some_and(|next| !next.is_whitespace() && next != ')')
    }

    /// The word here without looking at escapes, up to a space, a bracket, a quote or a comparison.
    pub(super) fn bare_word(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let ends = |character: char| ends_word(character) || matches!(character, ':' | '<' | '>');
        let length = rest.find(ends).unwrap_or(rest.len());
        self.at += length;
        (length > 0).then(|| &rest[..length])
    }

    /// The word here, up to a space, a bracket, a quote or one of `stops`; empty when there is none.
    pub(super) fn word(&mut self, stops: &[char]) -> Word {
        let mut word = Word::default();
        while let Some(character) = self.peek() {
            if character == '\\' {
                self.advance();
                // A backslash at the very end stands for itself.
                word.characters.push((self.peek().unwrap_or('\\'), true));
                self.advance();
            } else if ends_word(character) || stops.contains(&character) {
                break;
            } else {
                word.characters.push((character, false));
                self.advance();
            }
        }
        word
    }

    /// The quotation here; `None` when it is not closed.
    pub(super) fn quoted(&mut self) -> Option<String> {
        self.advance();
        let mut text = String::new();
        loop {
            let character = self.peek()?;
            self.advance();
            match character {
                '"' => return Some(text),
                '\\' => {
                    text.push(self.peek()?);
                    self.advance();
                }
                other => text.push(other),
            }
        }
    }
}

fn is_wildcard((character, is_escaped): (char, bool)) -> bool {
    !is_escaped && matches!(character, '*' | '?')
}

impl Word {
    pub(super) fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    pub(super) fn is_only_star(&self) -> bool {
        self.characters == [('*', false)]
    }

    pub(super) fn has_wildcard(&self) -> bool {
        self.characters.iter().copied().any(is_wildcard)
    }

    /// What it says.
    pub(super) fn text(&self) -> String {
        self.characters.iter().map(|(character, _)| character).collect()
    }

    /// The same as a pattern: characters that mean themselves are escaped where a pattern would read them otherwise.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::new();
        for (character, is_escaped) in &self.characters {
            if *is_escaped && matches!(character, '*' | '?' | '\\') {
                pattern.push('\\');
            }
            pattern.push(*character);
        }
        pattern
    }
}
