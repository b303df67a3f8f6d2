//! The functions that statements may use.

use std::sync::Arc;

use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::ScalarUDF;

/// Functions that make long strings of short ones: memory that nobody counts.
const WITHOUT: &[&str] = &["repeat", "lpad", "rpad"];

/// Those of single values, but for what could not be bounded and what tells of the machine.
pub fn scalar() -> Vec<Arc<ScalarUDF>> {
    let all = SessionStateDefaults::default_scalar_functions();
    all.into_iter().filter(|function| !WITHOUT.contains(&function.name()) && function.name() != "version").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_there_to_be_left_out() {
        let known = SessionStateDefaults::default_scalar_functions();
        for name in WITHOUT {
            assert!(known.iter().any(|function| function.name() == *name), "{name}");
        }
        assert!(
            scalar().iter().all(|function| function.aliases().iter().all(|alias| !WITHOUT.contains(&alias.as_str())))
        );
    }
}
