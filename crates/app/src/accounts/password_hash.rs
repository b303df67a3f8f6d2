//! Argon2id hashes of passwords, computed beside the runtime and never many at once.
//!
//! Each costs tens of MiB, so the number of them is bounded: logging in cannot be used to exhaust the
//! machine. An unknown user costs the same work as a known one.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization as _;
use vigie_domain::{Error, ErrorKind, Result};

use super::random::random_bytes;

/// Hashes computed at the same time.
const HASHING_MAX: usize = 2;
/// Logins that compute or wait; one more is told to come back.
const PENDING_MAX: usize = 34;
/// When it is worth coming back, in seconds: by then the ones that waited are done.
const RETRY_AFTER_S: u64 = 2;

/// What one hash costs. Stored with each hash, so that changing it locks nobody out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// How often the memory is gone through.
    pub passes: u32,
    /// Degree of parallelism.
    pub lanes: u32,
}

impl HashCost {
    /// OWASP's first recommendation: 46 MiB, one pass, one lane.
    pub const RECOMMENDED: Self = Self { memory_kib: 47_104, passes: 1, lanes: 1 };
    /// The least that Argon2 allows: protects nothing, for tests only.
    pub const FOR_TESTS: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };
}

impl Default for HashCost {
    fn default() -> Self {
        Self::RECOMMENDED
    }
}

/// Makes hashes and compares passwords with them.
pub(super) struct Hasher {
    argon2: Argon2<'static>,
    /// Compared with when there is no such user.
    nobodys_hash: String,
    pending: Arc<Semaphore>,
    hashing: Arc<Semaphore>,
}

impl Hasher {
    /// A hasher of that cost.
    pub(super) fn new(cost: HashCost) -> Result<Self> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(|cause| {
            Error::invalid(format!("the cost {cost:?} of password hashes is out of Argon2's range: {cause}"))
        })?;
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            nobodys_hash: nobodys_hash(cost)?,
            pending: Arc::new(Semaphore::new(PENDING_MAX)),
            hashing: Arc::new(Semaphore::new(HASHING_MAX)),
        })
    }

    /// The hash of a new password, in PHC string format.
    pub(super) async fn hash(&self, password: &str) -> Result<String> {
        let argon2 = self.argon2.clone();
        let password = normalised(password);
        let salt = SaltString::encode_b64(&random_bytes::<16>()?).map_err(|cause| damaged(&cause))?;
        self.run(move || {
            let hash = argon2.hash_password(password.as_bytes(), &salt).map_err(|cause| damaged(&cause))?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password is that of the hash; without a hash the same work is done, and it is not.
    pub(super) async fn verify(&self, password: &str, stored_hash: Option<&str>) -> Result<bool> {
        let argon2 = self.argon2.clone();
        let password = normalised(password);
        let is_known = stored_hash.is_some();
        let stored_hash = stored_hash.unwrap_or(&self.nobodys_hash).to_owned();
        self.run(move || {
            let parsed = PasswordHash::new(&stored_hash).map_err(|cause| damaged(&cause))?;
            match argon2.verify_password(password.as_bytes(), &parsed) {
                Ok(()) => Ok(is_known),
                Err(argon2::password_hash::Error::Password) => Ok(false),
                Err(cause) => Err(damaged(&cause)),
            }
        })
        .await
    }

    /// Runs the work on a blocking thread once there is room.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let place = Arc::clone(&self.pending).try_acquire_owned().map_err(|_| busy())?;
        let room = Arc::clone(&self.hashing).acquire_owned().await.map_err(|_| busy())?;
        // Both go with the work: a caller who leaves does not make room for another while it still runs.
        let permits: [OwnedSemaphorePermit; 2] = [place, room];
        tokio::task::spawn_blocking(move || {
            let _held_until_done = permits;
            work()
        })
        .await
        .map_err(|cause| Error::internal(format!("hashing a password was cut short: {cause}")))?
    }
}

/// A hash of the same cost that no password has: its output is random.
fn nobodys_hash(cost: HashCost) -> Result<String> {
    let salt = STANDARD_NO_PAD.encode(random_bytes::<16>()?);
    let output = STANDARD_NO_PAD.encode(random_bytes::<32>()?);
    let HashCost { memory_kib, passes, lanes } = cost;
    Ok(format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${output}"))
}

/// The same bytes however the keyboard composes accents (RFC 8265 §4.2).
fn normalised(password: &str) -> String {
    password.nfc().collect()
}

fn damaged(cause: &argon2::password_hash::Error) -> Error {
    Error::internal(format!("a password hash cannot be computed or read: {cause}"))
}

fn busy() -> Error {
    Error::new(ErrorKind::Throttled, "too many logins at this moment; try again in a few seconds")
        .with_retry_after_s(RETRY_AFTER_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> Hasher {
        Hasher::new(HashCost::FOR_TESTS).unwrap()
    }

    #[tokio::test]
    async fn only_the_same_password_matches() {
        let hasher = hasher();
        let hash = hasher.hash("quiet lantern 42").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert!(hasher.verify("quiet lantern 42", Some(&hash)).await.unwrap());
        assert!(!hasher.verify("quiet lantern 43", Some(&hash)).await.unwrap());
        assert!(!hasher.verify("quiet lantern 42", None).await.unwrap());
        assert_ne!(hash, hasher.hash("quiet lantern 42").await.unwrap(), "every hash has its own salt");
    }

    #[tokio::test]
    async fn accents_match_however_they_are_composed() {
        let hasher = hasher();
        let hash = hasher.hash("caf\u{e9} au lait 1234").await.unwrap();
        assert!(hasher.verify("cafe\u{301} au lait 1234", Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobodys_hash_costs_what_a_real_one_costs() {
        let hasher = hasher();
        let real = hasher.hash("quiet lantern 42").await.unwrap();
        let shape = |hash: &str| {
            let parsed = PasswordHash::new(hash).unwrap();
            let bytes = (parsed.salt.unwrap().as_str().len(), parsed.hash.unwrap().len());
            (parsed.algorithm.to_string(), parsed.version, Params::try_from(&parsed).unwrap().m_cost(), bytes)
        };
        assert_eq!(shape(&real), shape(&hasher.nobodys_hash));
    }

    #[tokio::test]
    async fn changing_the_cost_locks_nobody_out() {
        let old = Hasher::new(HashCost { memory_kib: 16, ..HashCost::FOR_TESTS }).unwrap();
        let hash = old.hash("quiet lantern 42").await.unwrap();
        assert!(hasher().verify("quiet lantern 42", Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_and_not_a_match() {
        let error = hasher().verify("quiet lantern 42", Some("plain text")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Internal);
    }

    #[tokio::test]
    async fn who_finds_no_room_is_told_to_come_back() {
        let hasher = hasher();
        let all = hasher.pending.try_acquire_many(u32::try_from(PENDING_MAX).unwrap()).unwrap();
        let error = hasher.verify("quiet lantern 42", None).await.unwrap_err();
        assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Throttled, Some(RETRY_AFTER_S)));
        drop(all);
        assert!(hasher.verify("quiet lantern 42", None).await.is_ok());
    }

    #[tokio::test]
    async fn no_more_than_two_hashes_are_computed_at_once() {
        use std::sync::Mutex;
        let hasher = Arc::new(hasher());
        let most = Arc::new(Mutex::new((0_usize, 0_usize)));
        let runs = (0..16).map(|_| {
            let (hasher, most) = (Arc::clone(&hasher), Arc::clone(&most));
            tokio::spawn(async move {
                let work = move || {
                    let mut now = most.lock().unwrap();
                    now.0 += 1;
                    now.1 = now.1.max(now.0);
                    drop(now);
                    std::thread::yield_now();
                    most.lock().unwrap().0 -= 1;
                    Ok(())
                };
                hasher.run(work).await
            })
        });
        for run in runs.collect::<Vec<_>>() {
            run.await.unwrap().unwrap();
        }
        let most = most.lock().unwrap().1;
        assert!((1..=HASHING_MAX).contains(&most), "{most}");
    }

    #[test]
    fn the_default_cost_is_the_recommended_one() {
        assert_eq!(HashCost::default(), HashCost { memory_kib: 46 * 1024, passes: 1, lanes: 1 });
        assert!(Hasher::new(HashCost { memory_kib: 0, passes: 0, lanes: 0 }).is_err());
    }
}
