//! A function around another one: it asks for the memory of the strings before they are made.

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::growth::Growth;
use super::held::{Held, TextMemory, kept, text_bytes};

/// Bytes that are asked for at once: what a function may make of more rows is made in pieces, since it mostly makes less.
const PIECE_BYTES: usize = 4 * 1024 * 1024;

/// A function whose strings are bounded.
#[derive(Debug)]
pub(super) struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    /// Bytes of a text that may be worked out while the statement is planned.
    constant_bytes_max: usize,
    memory: Arc<TextMemory>,
}

impl Bounded {
    /// The function, bounded.
    pub(super) fn new(
        inner: Arc<ScalarUDF>,
        growth: Growth,
        constant_bytes_max: usize,
        memory: &Arc<TextMemory>,
    ) -> Self {
        Self { inner, growth, constant_bytes_max, memory: Arc::clone(memory) }
    }

    /// The same text for every row. A long one is made where rows are, each of which then has it.
    fn constant(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (bytes, rows) = (self.growth.bytes(&arguments.args, 0), arguments.number_rows);
        if bytes <= self.constant_bytes_max && self.constant_bytes_max > 0 {
            return self.inner.invoke_with_args(arguments);
        }
        if !self.memory.is_running() {
            return exec_err!("a long text is not worked out beforehand");
        }
        let made = self.memory.hold(bytes)?;
        let one = self.inner.invoke_with_args(arguments)?.into_array(1)?;
        let held = self.memory.hold(text_bytes(&one).saturating_mul(rows))?;
        let same = ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?).into_array(rows)?;
        drop(made);
        Ok(ColumnarValue::Array(kept(&same, held)?))
    }

    /// The rows from there on that are made at once, and their bytes at most.
    fn piece(&self, arguments: &[ColumnarValue], start: usize, rows: usize) -> (usize, usize) {
        let (mut end, mut bytes) = (start, 0_usize);
        while end < rows {
            let with = bytes.saturating_add(self.growth.bytes(arguments, end));
            if end > start && with > PIECE_BYTES {
                break;
            }
            (end, bytes) = (end + 1, with);
        }
        (end, bytes)
    }

    fn made(&self, arguments: ScalarFunctionArgs, bytes: usize) -> Result<(ArrayRef, Held)> {
        let rows = arguments.number_rows;
        let mut held = self.memory.hold(bytes)?;
        let array = self.inner.invoke_with_args(arguments)?.into_array(rows)?;
        held.shrink_to(text_bytes(&array));
        Ok((array, held))
    }
}

fn part_of(arguments: &ScalarFunctionArgs, rows: Range<usize>) -> ScalarFunctionArgs {
    let part = |argument: &ColumnarValue| match argument {
        ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(rows.start, rows.len())),
        ColumnarValue::Scalar(scalar) => ColumnarValue::Scalar(scalar.clone()),
    };
    ScalarFunctionArgs { args: arguments.args.iter().map(part).collect(), number_rows: rows.len(), ..arguments.clone() }
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner && Arc::ptr_eq(&self.memory, &other.memory)
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        self.inner.schema_name(arguments)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    // What functions are rewritten to would not be bounded: `simplify` is not passed on.

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        if arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_))) {
            return self.constant(arguments);
        }
        if rows == 0 {
            return self.inner.invoke_with_args(arguments);
        }
        let (mut start, mut pieces) = (0, Vec::new());
        while start < rows {
            let (end, bytes) = self.piece(&arguments.args, start, rows);
            pieces.push(self.made(part_of(&arguments, start..end), bytes)?);
            start = end;
        }
        if pieces.len() == 1
            && let Some((array, held)) = pieces.pop()
        {
            return Ok(ColumnarValue::Array(kept(&array, held)?));
        }
        let held = self.memory.hold(pieces.iter().map(|(array, _)| text_bytes(array)).sum())?;
        let arrays: Vec<_> = pieces.iter().map(|(array, _)| array.as_ref()).collect();
        Ok(ColumnarValue::Array(kept(&concat(&arrays)?, held)?))
    }
}
