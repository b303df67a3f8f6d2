//! How far a file has been read: a bar with rate and time left on a terminal, plain lines in a pipe.

use std::io::{self, Read};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the bar is drawn anew.
const TICK: Duration = Duration::from_millis(100);
const BAR: &str = "{prefix} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left {msg}";
const SPINNER: &str = "{prefix} {spinner} {msg} {elapsed}";

/// The progress of one file.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Nothing read yet of a file of this size.
    pub(super) fn begin(name: &str, size_bytes: u64, is_watched: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(size_bytes), ProgressDrawTarget::stderr());
        if !is_watched {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.set_style(style(BAR));
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(TICK);
        Self { bar }
    }

    /// The file, counted while it is read.
    pub(super) fn count<R: Read>(&self, content: R) -> impl Read + use<R> {
        Counted { content, bar: self.bar.clone() }
    }

    /// All bytes were read; what is left takes unknown time.
    pub(super) fn wait(&self, words: String) {
        self.bar.set_style(style(SPINNER));
        self.bar.set_message(words);
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// The templates are constants; with a broken one the bar is plain.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

struct Counted<R> {
    content: R,
    bar: ProgressBar,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.bar.inc(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_right() {
        for template in [BAR, SPINNER] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn what_is_read_is_counted_and_unchanged() {
        let progress = Progress::begin("a.csv", 5, false);
        let mut text = String::new();
        progress.count(&b"hello"[..]).read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), progress.bar.position()), ("hello", 5));
    }
}
