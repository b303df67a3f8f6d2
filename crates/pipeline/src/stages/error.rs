//! Why a pipeline cannot be used: which stage, which key, and what to do.

use std::fmt;

/// Why a pipeline cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineError {
    /// Number of the stage from 1; `None` when it is about the pipeline as a whole.
    pub stage: Option<usize>,
    /// The stage's `type`, once it is known.
    pub kind: Option<String>,
    /// The key that is wrong.
    pub key: Option<String>,
    /// What is wrong with it and what to do.
    pub message: String,
}

impl PipelineError {
    /// An error about the pipeline as a whole.
    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self { stage: None, kind: None, key: None, message: message.into() }
    }
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(stage) = self.stage {
            write!(f, "stage {stage}")?;
            if let Some(kind) = &self.kind {
                write!(f, " ({kind})")?;
            }
        }
        if let Some(key) = &self.key {
            let comma = if self.stage.is_some() { ", " } else { "" };
            write!(f, "{comma}key {key:?}")?;
        }
        let colon = if self.stage.is_some() || self.key.is_some() { ": " } else { "" };
        write!(f, "{colon}{}", self.message)
    }
}

impl std::error::Error for PipelineError {}
