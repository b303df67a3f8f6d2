//! Telling format and compression by content. The name of the file only decides between equals.

use crate::decompress::{self, Compression};
use crate::format::{FORMATS, Format};

/// Bytes that are looked at.
pub const DETECT_BYTES_MAX: usize = 64 * 1024;

/// Lines that are looked at.
const DETECT_LINES_MAX: usize = 100;

/// What begins like an object and is as sure as this needs no comparison: no other format of that beginning is surer.
const SURE: u8 = 95;

/// What bytes were found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detected {
    /// How records are written.
    pub format: Format,
    /// How the bytes are packed.
    pub compression: Compression,
}

/// Tells format and compression of a file by its first bytes; more than `DETECT_BYTES_MAX` are not looked at.
pub fn detect(head: &[u8], filename: Option<&str>) -> Detected {
    let head = &head[..head.len().min(DETECT_BYTES_MAX)];
    let compression = Compression::of(head);
    let (unpacked, inner_name) = decompress::unpack_head(head, compression);
    let is_complete = compression == Compression::None && head.len() < DETECT_BYTES_MAX;
    let head = Head::new(&unpacked, is_complete);
    Detected { format: format_of(&head, inner_name.as_deref().or(filename)), compression }
}

/// The format that is surest of itself.
pub(crate) fn format_of(head: &Head<'_>, filename: Option<&str>) -> Format {
    if head.first_bytes(b'{').is_some() && (Format::Ndjson.spec().score)(head) >= SURE {
        return Format::Ndjson;
    }
    let extension = filename.map(extension_of).unwrap_or_default();
    FORMATS
        .iter()
        .max_by_key(|spec| ((spec.score)(head), spec.extensions.contains(&extension.as_str())))
        .map_or(Format::Plain, |spec| spec.format)
}

/// The extension, without those that tell of compression.
fn extension_of(filename: &str) -> String {
    let folded = filename.to_ascii_lowercase();
    let name = [".gz", ".zst", ".zip", ".zz"].iter().find_map(|end| folded.strip_suffix(end)).unwrap_or(&folded);
    name.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_owned())
}

/// The beginning of unpacked bytes.
pub(crate) struct Head<'a> {
    bytes: &'a [u8],
    is_complete: bool,
}

impl<'a> Head<'a> {
    /// The first bytes of an input, and whether there are no more.
    pub(crate) fn new(bytes: &'a [u8], is_complete: bool) -> Self {
        Self { bytes: bytes.strip_prefix(UTF8_BOM).unwrap_or(bytes), is_complete }
    }

    /// An input of which all bytes are there.
    #[cfg(test)]
    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        Self::new(bytes, true)
    }

    /// The bytes, without a byte order mark.
    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The first lines that are not blank; the last is left out when it may be cut off, unless it is the only one.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'a [u8]> {
        let whole = match memchr::memrchr(b'\n', self.bytes) {
            Some(end) if !self.is_complete => &self.bytes[..end],
            _ => self.bytes,
        };
        whole
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.trim_ascii().is_empty())
            .take(DETECT_LINES_MAX)
    }

    /// If the first byte that is not white space is `first`, the second such byte.
    pub(crate) fn first_bytes(&self, first: u8) -> Option<u8> {
        let mut bytes = self.bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
        bytes.next().filter(|byte| *byte == first).and_then(|_| bytes.next())
    }
}

/// What Windows programs put before UTF-8.
pub(crate) const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, filename: Option<&str>, expected: Format) {
        assert_eq!(detect(head.as_bytes(), filename).format, expected, "{head}");
    }

    #[test]
    fn content_tells_the_format() {
        check("{\"a\":1}\n{\"a\":2}\n", None, Format::Ndjson);
        check("{\"a\":1}", Some("x.csv"), Format::Ndjson);
        check("{\"a\":", None, Format::Ndjson);
        check("# comment\n{\"a\":1}\n{\"a\":2}\n", None, Format::Ndjson);
        check("{\"a\":1}\nbroken\n{\"a\":2}\n", None, Format::Ndjson);
        check("\u{feff}{\"a\":1}\n", None, Format::Ndjson);
        check("{\n  \"a\": 1\n}\n", None, Format::Json);
        check("{\"a\":1,\n\"b\":2}", None, Format::Json);
        check("[{\"a\":1},\n{\"a\":2}]", None, Format::JsonArray);
        check("[{\"a\":1},{\"a\":2}]", None, Format::JsonArray);
        check(" [\n {\"a\":1}\n]\n", None, Format::JsonArray);
        check("[{\"a\":1}]\n[{\"a\":2}]\n", None, Format::Ndjson);
        check("[]", None, Format::JsonArray);
        check("a,b\n1,2\n3,4\n", None, Format::Csv);
        check("Order ID;Total\n1;2,5\n", None, Format::Csv);
        check("a\tb\n1\t2\n", None, Format::Tsv);
        check("level=info msg=hello\nlevel=warn msg=\"a, b\"\n", None, Format::Logfmt);
        check("1.2.3.4 - - [23/Nov/2026:15:04:05 +0100] \"GET / HTTP/1.1\" 200 1\n", None, Format::AccessLog);
        check("2026/11/23 14:04:05 [error] 1#1: *2 open() failed, client: 192.0.2.1\n", None, Format::NginxError);
        check("2026/11/23 14:04:05 [error] 1#1: *2 PHP: x\nStack trace:\n", None, Format::NginxError);
        check("CEF:0|a|b|c|d|e|9|src=192.0.2.1\n", None, Format::Cef);
        check("<134>Nov 23 14:04:05 fw CEF:0|a|b|c|d|e|9|src=192.0.2.1 spt=1\n", None, Format::Cef);
        check("<134>1 2026-11-23T14:04:05Z fw app - - - CEF:0|a|b|c|d|e|9|x=1\n", None, Format::Cef);
        check("#Version: 1.0\n#Fields: date time c-ip\n2026-11-23 14:04:05 192.0.2.1\n", None, Format::W3c);
        check("#Fields: date\ttime\tsc-status\n2026-11-23\t14:04:05\t200\n", None, Format::W3c);
        check("2026-11-23 14:04:05,123 INFO started\n2026-11-23 14:04:06,123 INFO ready\n", None, Format::Log4j);
        check("[2026-11-23 14:04:05] ERROR cart failed\n", None, Format::Log4j);
        check("2026-11-23T14:04:05Z INFO started: a=1 b=2\n", None, Format::Log4j);
        check(
            "2026-11-23 14:04:05 ERROR x\na.b.CException: y\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\n",
            None,
            Format::Log4j,
        );
        check("time,level,text\n2026-11-23 14:04:05,INFO,a\n", None, Format::Csv);
        check("2026-11-23T14:04:05Z web-1 app[1]: ERROR x\n", None, Format::Syslog);
        check("<34>Oct 11 22:14:15 h su[1]: failed\n", None, Format::Syslog);
        check("<14>1 2026-11-23T14:04:05Z h app - - - x\n", None, Format::Syslog);
        check("Nov 23 14:04:05 web-1 app[1]: level=info msg=x\n", None, Format::Syslog);
        check("2026-11-23T14:04:05Z web-1 nginx: a, b\n", None, Format::Syslog);
    }

    #[test]
    fn text_stays_text() {
        check("", None, Format::Plain);
        check("hello world\n", None, Format::Plain);
        check("[2026-11-23 14:04:05] the cart failed\n", None, Format::Plain);
        check("2026-11-23 14:04:05 the cart failed: ERROR\n", None, Format::Plain);
        check("2026/11/23 14:04:05 the cart failed\n", None, Format::Plain);
        check("they write CEF:0|a|b|c|d|e|9| there\n", None, Format::Plain);
        check("# Fields: none\nhello\n", None, Format::Plain);
        check("java.io.IOException: x\n\tat a.B.c(B.java:1)\n", None, Format::Plain);
        check("error: a, b\nerror: c, d\n", None, Format::Plain);
        check("{main} started\n", None, Format::Plain);
        check("<html> <b>1</b>\n<34> x\n", None, Format::Plain);
        check("Nov 23 14:04:05 the cart was emptied\n", None, Format::Plain);
        check("key=value in a sentence\n", None, Format::Plain);
    }

    #[test]
    fn the_name_decides_between_equals() {
        check("sku\n1\n2\n", None, Format::Plain);
        check("sku\n1\n2\n", Some("sku.csv"), Format::Csv);
        check("sku,price\n", Some("sku.csv"), Format::Csv);
        check("sku\n1\n", Some("SKU.TSV"), Format::Tsv);
        check("hello\n", Some("hello.parquet"), Format::Plain);
    }
}
