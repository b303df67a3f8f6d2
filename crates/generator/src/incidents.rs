//! What goes wrong on a day: a deployment with bad minutes after it, a slow database, a payment provider that is away.
//! Not the failures of single requests. Invariant: a day's plan depends on the seed and the day alone.

use vigie_domain::time::{Day, NANOS_PER_SECOND, Timestamp};

use crate::dice::{Dice, Purpose};
use crate::line::{SERVICES, Service};

const MINUTE: i64 = 60 * NANOS_PER_SECOND;

/// A stretch of time, its end not included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spell {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

impl Spell {
    fn new(day: Day, minute: u64, minutes: u64) -> Self {
        let from = day.start().saturating_add_nanos(minute as i64 * MINUTE);
        Self { from, until: from.saturating_add_nanos(minutes as i64 * MINUTE) }
    }

    fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// What happens on one day.
#[derive(Clone, Debug)]
pub(crate) struct DayPlan {
    pub(crate) day: Day,
    /// Which service gets a new version; its bad minutes begin with it.
    pub(crate) deployed: Service,
    /// From the deployment to the end of its bad minutes.
    pub(crate) deployment: Spell,
    /// Whether it fails after the deployment; else it is slow.
    pub(crate) fails: bool,
    /// When the database is slow.
    pub(crate) slow_database: Spell,
    /// When the payment provider does not answer.
    pub(crate) outage: Spell,
}

impl DayPlan {
    /// The plan of a day.
    pub(crate) fn new(seed: u64, day: Day) -> Self {
        let mut dice = Dice::new(seed, Purpose::Incidents, u64::from(day.0.unsigned_abs()));
        Self {
            day,
            deployed: SERVICES[day.0.rem_euclid(8) as usize],
            deployment: Spell::new(day, dice.between(540, 900), dice.between(20, 40)),
            fails: dice.chance(0.5),
            slow_database: Spell::new(day, dice.between(1_020, 1_200), dice.between(10, 20)),
            outage: Spell::new(day, dice.between(420, 500), dice.between(8, 15)),
        }
    }

    /// Whether that service fails now because of its new version.
    pub(crate) fn is_failing(&self, service: Service, now: Timestamp) -> bool {
        self.fails && self.deployed == service && self.deployment.holds(now)
    }

    /// By how much that service is slower than usual.
    pub(crate) fn slowness(&self, service: Service, now: Timestamp) -> f64 {
        if !self.fails && self.deployed == service && self.deployment.holds(now) { 4.0 } else { 1.0 }
    }

    /// By how much the database is slower than usual.
    pub(crate) fn database_slowness(&self, now: Timestamp) -> f64 {
        if self.slow_database.holds(now) { 14.0 } else { 1.0 }
    }

    /// Whether the payment provider does not answer.
    pub(crate) fn is_outage(&self, now: Timestamp) -> bool {
        self.outage.holds(now)
    }

    /// The version of a service: one higher after each of its deployments, every eighth day.
    pub(crate) fn version(&self, service: Service, now: Timestamp) -> String {
        let turn = SERVICES.iter().position(|other| *other == service).unwrap_or(0) as i32;
        let deployments = (self.day.0 - turn).div_euclid(8);
        let pending = self.deployed == service && now < self.deployment.from;
        let count = deployments - i32::from(pending) - 2_400;
        format!("3.{}.{}", count.rem_euclid(500), turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_rises_with_the_deployment_and_stays() {
        let plan = DayPlan::new(3, Day(20_500));
        let (service, at) = (plan.deployed, plan.deployment.from);
        let before = plan.version(service, at.saturating_add_nanos(-1));
        let after = plan.version(service, at);
        assert_ne!(before, after);
        let next = DayPlan::new(3, Day(20_501));
        assert_eq!(next.version(service, next.day.start()), after);
        assert_eq!(DayPlan::new(3, Day(20_499)).version(service, at), before);
    }
}
