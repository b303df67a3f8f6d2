//! When which attack happens: each kind once per round, in a new order each round.
//! Not what an attack does (scripts). Invariant: thirteen attacks in a row that begin a round hold every kind.

use crate::dice::{Dice, Purpose};

/// The values of `label.attack`.
pub const ATTACK_KINDS: [&str; 13] = [
    "card_testing",
    "velocity",
    "country_mismatch",
    "impossible_travel",
    "disposable_email",
    "account_takeover",
    "refund_abuse",
    "promo_abuse",
    "bot_scraper",
    "amount_outlier",
    "new_account_high_value",
    "shared_device",
    "night_risk",
];

/// One visit in so many is an attack.
const EVERY: u64 = 400;

/// The kind of attack that a visit is, if it is one.
pub(crate) fn attack_of(seed: u64, visit: u64) -> Option<&'static str> {
    if visit % EVERY != EVERY / 3 {
        return None;
    }
    let turn = visit / EVERY;
    let (round, place) = (turn / ATTACK_KINDS.len() as u64, (turn % ATTACK_KINDS.len() as u64) as usize);
    let mut order: Vec<&'static str> = ATTACK_KINDS.to_vec();
    let mut dice = Dice::new(seed, Purpose::Attacks, round);
    for last in (1..order.len()).rev() {
        order.swap(last, dice.place(last + 1));
    }
    order.get(place).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_round_holds_every_kind_once() {
        let round: Vec<_> = (0..13 * EVERY).filter_map(|visit| attack_of(9, visit)).collect();
        assert_eq!(round.len(), 13);
        assert_eq!(round.iter().collect::<BTreeSet<_>>().len(), 13);
    }
}
