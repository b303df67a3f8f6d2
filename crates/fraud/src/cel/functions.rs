//! The functions and methods that rules may call: their names and how many values they take.

use super::bounds::{PATTERN_COST, WHOLE_TEXT_COST};
use super::schema::nearest;

/// Functions of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum One {
    Size,
    LowerAscii,
    Abs,
    ToInt,
    ToDouble,
    Calendar(Part),
}

/// Parts of an instant's date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Hours,
    /// 0 is Sunday.
    DayOfWeek,
    /// The first is 0, unlike [`Self::Date`].
    DayOfMonth,
    /// The first is 1.
    Date,
    /// January is 0.
    Month,
    FullYear,
}

/// Functions of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Two {
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Min,
    Max,
}

/// A function of either number of values; of a method the first is what it is called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    One(One),
    Two(Two),
}

/// How it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `name(x)`
    Function,
    /// `x.name()`
    Method,
}

const KNOWN: [(&str, Form, Function); 18] = [
    ("size", Form::Function, Function::One(One::Size)),
    ("abs", Form::Function, Function::One(One::Abs)),
    ("int", Form::Function, Function::One(One::ToInt)),
    ("double", Form::Function, Function::One(One::ToDouble)),
    ("min", Form::Function, Function::Two(Two::Min)),
    ("max", Form::Function, Function::Two(Two::Max)),
    ("size", Form::Method, Function::One(One::Size)),
    ("lowerAscii", Form::Method, Function::One(One::LowerAscii)),
    ("getHours", Form::Method, Function::One(One::Calendar(Part::Hours))),
    ("getDayOfWeek", Form::Method, Function::One(One::Calendar(Part::DayOfWeek))),
    ("getDayOfMonth", Form::Method, Function::One(One::Calendar(Part::DayOfMonth))),
    ("getDate", Form::Method, Function::One(One::Calendar(Part::Date))),
    ("getMonth", Form::Method, Function::One(One::Calendar(Part::Month))),
    ("getFullYear", Form::Method, Function::One(One::Calendar(Part::FullYear))),
    ("contains", Form::Method, Function::Two(Two::Contains)),
    ("startsWith", Form::Method, Function::Two(Two::StartsWith)),
    ("endsWith", Form::Method, Function::Two(Two::EndsWith)),
    ("matches", Form::Method, Function::Two(Two::Matches)),
];
/// What the parser knows by itself, since it takes names or texts that are written out.
const KNOWN_TO_PARSER: [(&str, Form); 5] = [
    ("has", Form::Function),
    ("timestamp", Form::Function),
    ("duration", Form::Function),
    ("exists", Form::Method),
    ("all", Form::Method),
];

/// The function of a name, or what to tell who wrote it.
pub(super) fn find(name: &str, form: Form) -> Result<Function, String> {
    if let Some((_, _, function)) = KNOWN.iter().find(|(known, of, _)| *known == name && *of == form) {
        return Ok(*function);
    }
    let names = KNOWN.iter().map(|(known, of, _)| (*known, *of)).chain(KNOWN_TO_PARSER);
    let is_of_other_form = names.clone().any(|(known, _)| known == name);
    Err(match form {
        Form::Function if is_of_other_form => format!("\"{name}\" is called on a value: write x.{name}(…)"),
        Form::Method if is_of_other_form => format!("\"{name}\" is no method: write {name}(…)"),
        Form::Function | Form::Method => {
            let of_form = names.filter(|(_, of)| *of == form).map(|(known, _)| known);
            let meant = nearest(name, of_form).map(|known| format!("; did you mean \"{known}\"?")).unwrap_or_default();
            let what = if form == Form::Method { "method" } else { "function" };
            format!("there is no {what} \"{name}\"{meant}")
        }
    })
}

impl One {
    /// What a call costs by itself.
    pub(super) fn cost(self) -> u64 {
        match self {
            Self::Size | Self::LowerAscii | Self::ToInt | Self::ToDouble => WHOLE_TEXT_COST,
            Self::Abs | Self::Calendar(_) => 1,
        }
    }
}

impl Two {
    /// What a call costs by itself.
    pub(super) fn cost(self) -> u64 {
        match self {
            Self::Contains => WHOLE_TEXT_COST,
            Self::Matches => PATTERN_COST,
            Self::StartsWith | Self::EndsWith | Self::Min | Self::Max => 1,
        }
    }
}
