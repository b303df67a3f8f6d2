//! The functions that statements may use.

use std::sync::Arc;

use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::ScalarUDF;

use crate::texts::{TextMemory, bounded};

/// It tells of the machine.
const WITHOUT: &str = "version";

/// Those of single values, with the strings that they make bounded.
pub fn scalar(memory: &Arc<TextMemory>) -> Vec<Arc<ScalarUDF>> {
    let all = SessionStateDefaults::default_scalar_functions().into_iter();
    all.filter(|function| function.name() != WITHOUT).map(|function| bounded(function, memory)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_there_to_be_left_out() {
        let known = SessionStateDefaults::default_scalar_functions();
        assert!(known.iter().any(|function| function.name() == WITHOUT));
    }
}
