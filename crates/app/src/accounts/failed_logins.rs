//! Back-off after failed logins, per account and per address.
//!
//! An attempt counts as failed from its beginning until it succeeds, so that many at once pass no more
//! often than one after the other. In memory and bounded: a restart forgets it.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use vigie_domain::time::NANOS_PER_SECOND;
use vigie_domain::{Error, ErrorKind, Result, Timestamp};

/// Failed logins within the window after which an account or an address has to wait.
const FAILED_MAX: usize = 10;
/// How long a failed login counts.
const WINDOW_S: i64 = 15 * 60;
/// When a login may be tried again that came while too many others were under way, in seconds.
const UNDER_WAY_RETRY_S: u64 = 2;
/// How long a login is believed to be under way; its client may have gone away.
const UNDER_WAY_MAX_S: i64 = 10;
/// Accounts, and addresses, that are remembered.
const KEYS_MAX: usize = 10_000;

/// Remembers failed logins.
#[derive(Default)]
pub(super) struct FailedLogins {
    remembered: Mutex<Remembered>,
}

/// A login that is under way.
pub(super) struct Attempt {
    number: u64,
    account: String,
    address: IpAddr,
}

#[derive(Default)]
struct Remembered {
    last_number: u64,
    by_account: HashMap<String, Failures>,
    by_address: HashMap<IpAddr, Failures>,
}

/// The latest logins that failed or are under way, oldest first, at most `FAILED_MAX`.
#[derive(Default)]
struct Failures(VecDeque<Failure>);

struct Failure {
    begun_at: Timestamp,
    number: u64,
    is_under_way: bool,
}

impl FailedLogins {
    /// Begins a login; it counts as failed unless `succeeded` or `forget` follows.
    pub(super) fn begin(&self, account: &str, address: IpAddr, now: Timestamp) -> Result<Attempt> {
        let address = network_of(address);
        let mut remembered = self.lock();
        let wait_of_account = remembered.by_account.get_mut(account).and_then(|failures| failures.wait_s(now));
        let wait_of_address = remembered.by_address.get_mut(&address).and_then(|failures| failures.wait_s(now));
        if let Some(wait_s) = wait_of_account.max(wait_of_address) {
            return Err(Error::new(
                ErrorKind::Throttled,
                format!("too many failed logins, or too many at once; try again in {wait_s} seconds"),
            )
            .with_retry_after_s(wait_s));
        }
        remembered.last_number += 1;
        let number = remembered.last_number;
        make_room(&mut remembered.by_account, now);
        make_room(&mut remembered.by_address, now);
        let failure = || Failure { begun_at: now, number, is_under_way: true };
        remembered.by_account.entry(account.to_owned()).or_default().0.push_back(failure());
        remembered.by_address.entry(address).or_default().0.push_back(failure());
        Ok(Attempt { number, account: account.to_owned(), address })
    }

    /// The password was wrong.
    pub(super) fn failed(&self, attempt: &Attempt) {
        let mut remembered = self.lock();
        let of_account = remembered.by_account.get_mut(&attempt.account);
        of_account.into_iter().for_each(|failures| failures.decide(attempt.number));
        let of_address = remembered.by_address.get_mut(&attempt.address);
        of_address.into_iter().for_each(|failures| failures.decide(attempt.number));
    }

    /// The password was right: the account starts afresh. Its address does not, or one account of
    /// their own would let a guesser try for ever.
    pub(super) fn succeeded(&self, attempt: &Attempt) {
        self.forget(attempt);
        self.lock().by_account.remove(&attempt.account);
    }

    /// The password was never looked at: the attempt does not count.
    pub(super) fn forget(&self, attempt: &Attempt) {
        let mut remembered = self.lock();
        remove(&mut remembered.by_account, &attempt.account, attempt.number);
        remove(&mut remembered.by_address, &attempt.address, attempt.number);
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        // Every change is one push or removal: there is no half-made state to fear after a panic.
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    /// Forgets what is past, and tells how many seconds to wait when there were too many.
    fn wait_s(&mut self, now: Timestamp) -> Option<u64> {
        // A clock that stepped back must not make anyone wait longer than the window.
        self.0.iter_mut().for_each(|failure| failure.begun_at = now.min(failure.begun_at));
        self.0.retain(|failure| expires_at(failure.begun_at) > now);
        let oldest = self.0.front().filter(|_| self.0.len() >= FAILED_MAX)?.begun_at;
        if self.0.iter().any(|failure| failure.may_yet_succeed(now)) {
            return Some(UNDER_WAY_RETRY_S);
        }
        let wait_nanos = expires_at(oldest).as_nanos().saturating_sub(now.as_nanos());
        u64::try_from(wait_nanos).ok().map(|nanos| nanos.div_ceil(NANOS_PER_SECOND.unsigned_abs()))
    }

    fn decide(&mut self, number: u64) {
        let decided = self.0.iter_mut().filter(|failure| failure.number == number);
        decided.for_each(|failure| failure.is_under_way = false);
    }

    fn last(&self) -> Timestamp {
        self.0.back().map_or(Timestamp::MIN, |failure| failure.begun_at)
    }
}

impl Failure {
    fn may_yet_succeed(&self, now: Timestamp) -> bool {
        self.is_under_way && now < self.begun_at.saturating_add_nanos(UNDER_WAY_MAX_S * NANOS_PER_SECOND)
    }
}

fn expires_at(begun_at: Timestamp) -> Timestamp {
    begun_at.saturating_add_nanos(WINDOW_S * NANOS_PER_SECOND)
}

/// One customer's network: a whole /64 of IPv6 belongs to whoever has one address of it.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Keeps the map within `KEYS_MAX`: drops what is past, else who has failed least and longest ago, so
/// that filling the map frees nobody who has to wait.
fn make_room<K: Clone + Eq + std::hash::Hash>(failures_by_key: &mut HashMap<K, Failures>, now: Timestamp) {
    if failures_by_key.len() < KEYS_MAX {
        return;
    }
    failures_by_key.retain(|_, failures| expires_at(failures.last()) > now);
    if failures_by_key.len() < KEYS_MAX {
        return;
    }
    let least = failures_by_key.iter().min_by_key(|(_, failures)| (failures.0.len(), failures.last()));
    if let Some(key) = least.map(|(key, _)| key.clone()) {
        failures_by_key.remove(&key);
    }
}

fn remove<K: Eq + std::hash::Hash>(failures_by_key: &mut HashMap<K, Failures>, key: &K, number: u64) {
    if let Some(failures) = failures_by_key.get_mut(key) {
        failures.0.retain(|failure| failure.number != number);
        if failures.0.is_empty() {
            failures_by_key.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + second)
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    /// A login with a wrong password.
    fn fail(failed: &FailedLogins, account: &str, address: IpAddr, now: Timestamp) -> Result<()> {
        let attempt = failed.begin(account, address, now)?;
        failed.failed(&attempt);
        Ok(())
    }

    #[test]
    fn the_eleventh_login_of_an_account_waits_until_the_first_is_past() {
        let failed = FailedLogins::default();
        for second in 0..10 {
            assert!(fail(&failed, "anne", address(u8::try_from(second).unwrap()), at(second)).is_ok());
        }
        let error = fail(&failed, "anne", address(99), at(10)).err().unwrap();
        assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Throttled, Some(890)));
        assert!(fail(&failed, "bruno", address(99), at(10)).is_ok(), "another account does not wait");
        assert!(fail(&failed, "anne", address(99), at(899)).is_err());
        assert!(fail(&failed, "anne", address(99), at(900)).is_ok(), "the first one is past");
        assert!(fail(&failed, "anne", address(99), at(900)).is_err(), "the others are not");
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits_too() {
        let failed = FailedLogins::default();
        for user in 0..10 {
            assert!(fail(&failed, &format!("user{user}"), address(1), at(0)).is_ok());
        }
        assert_eq!(fail(&failed, "user10", address(1), at(1)).err().unwrap().retry_after_s, Some(899));
        assert!(fail(&failed, "user10", address(2), at(1)).is_ok());
    }

    #[test]
    fn success_clears_the_account_but_not_the_address() {
        let failed = FailedLogins::default();
        for _ in 0..9 {
            fail(&failed, "anne", address(1), at(0)).unwrap();
        }
        let right = failed.begin("anne", address(1), at(1)).unwrap();
        failed.succeeded(&right);
        fail(&failed, "anne", address(1), at(2)).unwrap();
        assert!(fail(&failed, "bruno", address(1), at(3)).is_err(), "nine and one failed from this address");
        assert!(fail(&failed, "anne", address(2), at(3)).is_ok(), "only one failed for this account");
    }

    #[test]
    fn logins_under_way_count() {
        let failed = FailedLogins::default();
        let under_way: Vec<Attempt> = (0..10).map(|_| failed.begin("anne", address(1), at(0)).unwrap()).collect();
        let retry_after_s = |second: i64| failed.begin("anne", address(1), at(second)).err().unwrap().retry_after_s;
        assert_eq!(retry_after_s(0), Some(2));
        under_way[1..].iter().for_each(|attempt| failed.failed(attempt));
        assert_eq!(retry_after_s(9), Some(2), "the first may yet succeed");
        assert_eq!(retry_after_s(10), Some(890), "its client must have gone away");
        failed.forget(&under_way[3]);
        assert!(fail(&failed, "anne", address(1), at(10)).is_ok());
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let check = |one: &str, other: &str, is_same: bool| {
            let network = |text: &str| network_of(text.parse().unwrap());
            assert_eq!(network(one) == network(other), is_same, "{one} {other}");
        };
        check("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true);
        check("2001:db8:1:2::1", "2001:db8:1:3::1", false);
        check("203.0.113.7", "::ffff:203.0.113.7", true);
        check("203.0.113.7", "203.0.113.8", false);
    }

    #[test]
    fn a_flood_of_names_stays_bounded_and_frees_nobody() {
        let failed = FailedLogins::default();
        for host in 0..10 {
            fail(&failed, "anne", address(host), at(0)).unwrap();
        }
        for number in 0..KEYS_MAX + 50 {
            let host = IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
            fail(&failed, &format!("user{number}"), host, at(1)).unwrap();
        }
        let remembered = failed.lock();
        assert_eq!((remembered.by_account.len(), remembered.by_address.len()), (KEYS_MAX, KEYS_MAX));
        drop(remembered);
        assert!(fail(&failed, "anne", address(77), at(2)).is_err());
    }

    #[test]
    fn a_clock_that_steps_back_lengthens_no_wait() {
        let failed = FailedLogins::default();
        for _ in 0..10 {
            fail(&failed, "anne", address(1), at(0)).unwrap();
        }
        assert!(fail(&failed, "anne", address(1), at(-86_400)).is_err());
        assert!(fail(&failed, "anne", address(1), at(-86_400 + 900)).is_ok());
    }
}
