//! How long to wait before trying again: twice as long each time, within bounds, and not all agents at once.

use std::time::Duration;

use rand::Rng;

/// The first wait.
pub const WAIT_MIN: Duration = Duration::from_millis(500);
/// The longest wait.
pub const WAIT_MAX: Duration = Duration::from_secs(30);

/// How often it has been tried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// How long to wait now: between half of what it is this time and all of it.
    pub fn next_wait(&mut self) -> Duration {
        let wait = WAIT_MIN.saturating_mul(1 << self.tries.min(16)).min(WAIT_MAX);
        self.tries = self.tries.saturating_add(1);
        wait.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let mut backoff = Backoff::default();
        for bound in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            let wait = backoff.next_wait().as_secs_f64();
            assert!((bound / 2.0..=bound).contains(&wait), "{wait} of {bound}");
        }
    }
}
