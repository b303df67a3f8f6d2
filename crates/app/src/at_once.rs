//! Short work on the thread that is there.

use std::panic::{AssertUnwindSafe, catch_unwind};

use vigie_domain::{Error, Result};

/// Does work that takes less time than another thread takes to begin; `what` names it.
///
/// # Errors
/// `Internal` when it panics, as when work on another thread does: who asked gets an answer, and others on the same
/// connection go on.
pub(crate) fn at_once<T>(what: &str, work: impl FnOnce() -> T) -> Result<T> {
    // What it works on is dropped, or bears being left half done as it does on another thread.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Error::internal(format!("{what} stopped by a panic")))
}

#[cfg(test)]
mod tests {
    use vigie_domain::ErrorKind;

    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(at_once("adding", || 1 + 1), Ok(2));
        let stopped = at_once("adding", || panic!("on purpose")).map_err(|error| (error.kind, error.message));
        assert_eq!(stopped, Err::<(), _>((ErrorKind::Internal, "adding stopped by a panic".to_owned())));
    }
}
