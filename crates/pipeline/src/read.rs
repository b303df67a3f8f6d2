//! From a file or a body to batches of events: opens, unpacks, tells the format, parses and converts.
//!
//! After a failure in the middle, what was read before comes first, then the error, then nothing.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use vigie_domain::Value;

use crate::batch::{BATCH_BYTES_MAX, Batch, RECORDS_PER_BATCH, Reject, shown};
use crate::convert;
use crate::decompress::{BODY_BYTES_MAX, Budget, Codec, Compression, FILE_BYTES_MAX, unpack};
use crate::detect::{DETECT_BYTES_MAX, Detected, Head, UTF8_BOM, format_of};
use crate::error::DecodeError;
use crate::foreign::refuse_foreign;
use crate::format::Format;
use crate::options::DecodeOptions;
use crate::parse::parquet::ParquetReader;
use crate::parse::{Bytes, Record, RecordReader};
use crate::passage::{Passage, TracedRecord};
use crate::redact::RedactionCounts;
use crate::source::Source;

/// The events and rejects of a request body, packed or not.
///
/// # Errors
/// When the body cannot be unpacked within its bounds, or is of a kind that holds no logs.
pub fn decode_bytes(body: &[u8], options: &DecodeOptions) -> Result<Batch, DecodeError> {
    let mut decoder = Decoder::open(Source::Body(body), None, options.clone(), BODY_BYTES_MAX)?;
    let all = decoder.next_batch(usize::MAX, usize::MAX).transpose()?.unwrap_or_default();
    decoder.failure.take().map_or(Ok(all), Err)
}

/// What the beginning of a file holds: at most `records_max` records. That the rest is missing is no error.
///
/// # Errors
/// When not even the beginning can be read. Parquet has its schema at its end, so it must be whole.
pub fn preview_bytes(
    head: &[u8],
    filename: Option<&str>,
    options: &DecodeOptions,
    records_max: usize,
) -> Result<(Detected, Batch), DecodeError> {
    let filename = filename.map(str::to_owned);
    let mut decoder = Decoder::open(Source::Body(head), filename, options.clone(), BODY_BYTES_MAX)?;
    let batch = decoder.next_batch(records_max, BATCH_BYTES_MAX).transpose()?.unwrap_or_default();
    Ok((decoder.detected, batch))
}

/// What every stage of the pipeline does with the first records of a body, at most `records_max`; nothing is kept of it.
///
/// # Errors
/// As `decode_bytes`.
pub fn trace_bytes(body: &[u8], options: &DecodeOptions, records_max: usize) -> Result<Vec<TracedRecord>, DecodeError> {
    let mut decoder = Decoder::open(Source::Body(body), None, options.clone(), BODY_BYTES_MAX)?;
    decoder.passage.trace();
    let mut records = Vec::new();
    while records.len() < records_max {
        let Some(batch) = decoder.next_batch(1, BATCH_BYTES_MAX) else { break };
        batch?;
        records.append(&mut decoder.passage.take_trace());
        decoder.passage.trace();
    }
    Ok(records)
}

/// Opens a file; `filename` is what its sender calls it.
///
/// # Errors
/// When it cannot be opened or unpacked, or is of a kind that holds no logs.
pub fn open_file(path: &Path, filename: Option<&str>, options: DecodeOptions) -> Result<FileReader, DecodeError> {
    let file = File::open(path)?;
    let filename = filename.map(str::to_owned).or_else(|| Some(path.file_name()?.to_string_lossy().into_owned()));
    Ok(FileReader(Decoder::open(Source::File(file), filename, options, FILE_BYTES_MAX)?))
}

/// The batches of a file, streamed in bounded memory; the same file and options give the same batches.
pub struct FileReader(Decoder<'static>);

impl FileReader {
    /// What the file was found to be; of an archive, its first file.
    pub const fn detected(&self) -> Detected {
        self.0.detected
    }

    /// Bytes of the file read so far, as they are on disk.
    pub fn bytes_read(&self) -> u64 {
        self.0.budget.packed_bytes()
    }
}

impl Iterator for FileReader {
    type Item = Result<Batch, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_batch(RECORDS_PER_BATCH, BATCH_BYTES_MAX)
    }
}

/// One stream of packed bytes in the source.
struct Section {
    /// Its name within an archive.
    name: Option<String>,
    start: u64,
    size_bytes: u64,
    codec: Codec,
}

/// Decodes the sections of a source, one after the other.
struct Decoder<'a> {
    source: Source<'a>,
    filename: Option<String>,
    options: DecodeOptions,
    passage: Passage,
    detected: Detected,
    budget: Budget,
    sections: VecDeque<Section>,
    /// The name of the section being read, when there are several, and its records.
    current: Option<(Option<String>, Box<dyn RecordReader + 'a>)>,
    has_many_sections: bool,
    failure: Option<DecodeError>,
}

impl<'a> Decoder<'a> {
    fn open(
        source: Source<'a>,
        filename: Option<String>,
        options: DecodeOptions,
        bytes_max: u64,
    ) -> Result<Self, DecodeError> {
        let (head, _) = read_head(&mut *source.section(0, DETECT_BYTES_MAX as u64)?);
        let compression = Compression::of(&head);
        let sections = sections(&source, compression)?;
        let mut decoder = Self {
            source,
            filename,
            passage: Passage::new(&options),
            options,
            detected: Detected { format: Format::Plain, compression },
            budget: Budget::new(bytes_max),
            has_many_sections: sections.len() > 1,
            sections: sections.into(),
            current: None,
            failure: None,
        };
        if let Some(section) = decoder.sections.pop_front() {
            let (format, records) = decoder.open_section(&section)?;
            decoder.detected.format = format;
            decoder.current = Some((section.name.filter(|_| decoder.has_many_sections), records));
        }
        Ok(decoder)
    }

    fn open_section(&self, section: &Section) -> Result<(Format, Box<dyn RecordReader + 'a>), DecodeError> {
        if let (Source::Body(body), Compression::None) = (&self.source, self.detected.compression)
            && body.len() as u64 <= BODY_BYTES_MAX
        {
            return self.open_body(body);
        }
        let packed = self.source.section(section.start, section.size_bytes)?;
        let mut unpacked = unpack(packed, section.codec, self.detected.compression, &self.budget)?;
        let (bytes, failure) = match read_head(&mut unpacked) {
            (bytes, Some(error)) if bytes.is_empty() => return Err(DecodeError::from_read(error)),
            head => head,
        };
        refuse_foreign(&bytes)?;
        let head = Head::new(&bytes, failure.is_none() && bytes.len() < DETECT_BYTES_MAX);
        let filename = section.name.as_deref().or(self.filename.as_deref());
        let format = self.options.format.unwrap_or_else(|| format_of(&head, filename));
        if let (Format::Parquet, Codec::Stored, Source::File(file)) = (format, section.codec, &self.source)
            && section.name.is_none()
        {
            let reader = ParquetReader::from_file(file.try_clone()?, self.options.record_bytes_max, &self.budget)?;
            return Ok((format, Box::new(reader)));
        }
        let rest: Box<dyn Read + Send + 'a> = match failure {
            Some(error) => Box::new(Failing(Some(error))),
            None => unpacked,
        };
        let start = if bytes.starts_with(UTF8_BOM) { UTF8_BOM.len() } else { 0 };
        let input: Bytes<'a> = Box::new(Cursor::new(bytes[start..].to_vec()).chain(BufReader::new(rest)));
        Ok((format, (format.spec().open)(input, &head, &self.options)?))
    }

    /// A body that is not packed is read where it lies.
    fn open_body(&self, body: &'a [u8]) -> Result<(Format, Box<dyn RecordReader + 'a>), DecodeError> {
        let bytes = &body[..body.len().min(DETECT_BYTES_MAX)];
        refuse_foreign(bytes)?;
        let head = Head::new(bytes, body.len() < DETECT_BYTES_MAX);
        let format = self.options.format.unwrap_or_else(|| format_of(&head, self.filename.as_deref()));
        let input: Bytes<'a> = Box::new(body.strip_prefix(UTF8_BOM).unwrap_or(body));
        Ok((format, (format.spec().open)(input, &head, &self.options)?))
    }

    /// The next batch of at most `records_max` records, that ends after `bytes_max` bytes of input.
    fn next_batch(&mut self, records_max: usize, bytes_max: usize) -> Option<Result<Batch, DecodeError>> {
        let mut batch = Batch::default();
        let mut size_bytes = 0;
        while self.failure.is_none() && batch.record_count() < records_max && size_bytes < bytes_max {
            let Some((name, records)) = &mut self.current else {
                if !self.open_next(&mut batch) {
                    break;
                }
                continue;
            };
            let passage = &mut self.passage;
            let taken = match records.offer(&mut |line| passage.take_line(line, &mut batch)) {
                Ok(None) => records.next_record().map(|record| {
                    record.map(|record| {
                        let size_bytes = record.size_bytes;
                        passage.take(record, records.raw(), name.as_deref(), &mut batch);
                        size_bytes
                    })
                }),
                taken => taken,
            };
            match taken {
                Ok(Some(taken_bytes)) => size_bytes += taken_bytes,
                Ok(None) => self.current = None,
                Err(error) => {
                    self.current = None;
                    self.sections.clear();
                    self.failure = Some(error);
                }
            }
        }
        if batch.record_count() > 0 {
            return Some(Ok(batch));
        }
        self.failure.take().map(Err)
    }

    /// Opens the next section; `false` when there is none. One that cannot be opened is a reject: the others may be fine.
    fn open_next(&mut self, batch: &mut Batch) -> bool {
        let Some(section) = self.sections.pop_front() else { return false };
        match self.open_section(&section) {
            Ok((_, records)) => self.current = Some((section.name, records)),
            Err(error) => {
                let reject = Reject { line: 1, reason: error.to_string(), raw: String::new() };
                batch.rejects.push(reject.in_archive(section.name.as_deref()));
            }
        }
        true
    }
}

fn sections(source: &Source<'_>, compression: Compression) -> Result<Vec<Section>, DecodeError> {
    let codec = match compression {
        Compression::None => Codec::Stored,
        Compression::Gzip => Codec::Gzip,
        Compression::Zlib => Codec::Zlib,
        Compression::Zstd => Codec::Zstd,
        Compression::Zip => {
            let entries = source.entries()?;
            if entries.is_empty() {
                return Err(DecodeError::Archive("it holds no file; put the logs into it".to_owned()));
            }
            let section = |entry: crate::archive::Entry| Section {
                name: Some(entry.name),
                start: entry.start,
                size_bytes: entry.size_bytes,
                codec: entry.codec,
            };
            return Ok(entries.into_iter().map(section).collect());
        }
    };
    Ok(vec![Section { name: None, start: 0, size_bytes: source.size_bytes()?, codec }])
}

/// The first bytes, at most `DETECT_BYTES_MAX`, and the error that ended them early.
fn read_head(reader: &mut dyn Read) -> (Vec<u8>, Option<io::Error>) {
    let mut head = Vec::new();
    let failure = reader.take(DETECT_BYTES_MAX as u64).read_to_end(&mut head).err();
    (head, failure)
}

/// Gives the error that ended a head, once the head has been read.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// What a record becomes.
pub(crate) enum Found {
    /// An event.
    One(vigie_domain::Event),
    /// What the stages of a pipeline make of it: several events, or none.
    Several(Vec<vigie_domain::Event>),
}

/// The way of records whose senders are answered one by one: a record is taken whole or not at all.
pub(crate) struct AnsweredWay<'o> {
    options: &'o DecodeOptions,
    /// Most requests meet no stage: no list is made for each of their records.
    stages: Option<Passage>,
}

impl<'o> AnsweredWay<'o> {
    /// For the records of one request.
    pub(crate) fn new(options: &'o DecodeOptions) -> Self {
        let has_stages = options.pipeline.as_ref().is_some_and(|pipeline| pipeline.stage_count() > 0);
        Self { options, stages: has_stages.then(|| Passage::new(options)) }
    }

    /// The events that a record becomes, or why it becomes none.
    pub(crate) fn events_or_reject(
        &mut self,
        record: Record,
        records: &dyn RecordReader,
        redactions: &mut RedactionCounts,
    ) -> Result<Found, Reject> {
        let line = record.line;
        let redactor = &self.options.redactor;
        let draft = match record.outcome {
            Ok(draft) => draft,
            Err(reason) => {
                // A reason may quote what was sent.
                let reason = redactor.redact_text(&reason, redactions).into_owned();
                return Err(Reject { line, reason, raw: shown(records.raw(), redactor, redactions) });
            }
        };
        let found = match &mut self.stages {
            None => convert::convert(draft, self.options, redactions).map(Found::One),
            Some(stages) => {
                let outcomes = stages.events_of(draft, None, redactions);
                outcomes.into_iter().collect::<Result<_, _>>().map(Found::Several)
            }
        };
        found.map_err(|refusal| {
            let raw = match records.raw() {
                [] => &serde_json::to_vec(&Value::Object(refusal.body)).unwrap_or_default(),
                raw => raw,
            };
            // The body was counted already; its text is the same once more.
            Reject { line, reason: refusal.reason, raw: shown(raw, redactor, &mut RedactionCounts::default()) }
        })
    }
}
