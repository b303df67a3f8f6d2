//! Claims of tokens whose signature was found good: checking one costs more than answering most questions, and a client sends the
//! same token for an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

/// SHA-256 of a token: the token itself is not kept.
type TokenDigest = [u8; 32];

/// Tokens of one generation.
const GENERATION: usize = 2_048;

/// The claims of tokens that were seen lately; at most two generations of them.
#[derive(Debug)]
pub(super) struct VerifiedTokens<C> {
    generations: Mutex<Generations<C>>,
}

#[derive(Debug)]
struct Generations<C> {
    young: HashMap<TokenDigest, Arc<C>>,
    old: HashMap<TokenDigest, Arc<C>>,
}

impl<C> Default for VerifiedTokens<C> {
    fn default() -> Self {
        Self { generations: Mutex::new(Generations { young: HashMap::new(), old: HashMap::new() }) }
    }
}

impl<C> VerifiedTokens<C> {
    /// The claims of the token: those known, or those that `verify` finds. What it refuses is not kept.
    pub(super) fn claims_of(&self, token: &str, verify: impl FnOnce() -> Option<C>) -> Option<Arc<C>> {
        let digest: TokenDigest = Sha256::digest(token).into();
        if let Some(claims) = self.with(|generations| generations.get(&digest)) {
            return Some(claims);
        }
        // Not under the lock: others need not wait for it.
        let claims = Arc::new(verify()?);
        self.with(|generations| generations.keep(digest, claims.clone()));
        Some(claims)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Generations<C>) -> T) -> T {
        // A panic under the lock can leave at most a token out.
        work(&mut self.generations.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<C> Generations<C> {
    fn get(&mut self, digest: &TokenDigest) -> Option<Arc<C>> {
        if let Some(claims) = self.young.get(digest) {
            return Some(claims.clone());
        }
        let claims = self.old.remove(digest)?;
        self.keep(*digest, claims.clone());
        Some(claims)
    }

    fn keep(&mut self, digest: TokenDigest, claims: Arc<C>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, claims);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_good_is_not_verified_again() {
        let tokens = VerifiedTokens::default();
        assert_eq!(tokens.claims_of("bad", || None), None);
        assert_eq!(tokens.claims_of("bad", || Some(1)).as_deref(), Some(&1), "what was refused is looked at again");
        assert_eq!(tokens.claims_of("good", || Some(2)).as_deref(), Some(&2));
        let again = |token: &str| tokens.claims_of(token, || panic!("{token} is known"));
        assert_eq!((again("bad").as_deref(), again("good").as_deref()), (Some(&1), Some(&2)));
    }

    #[test]
    fn only_so_many_are_known_and_those_in_use_stay() {
        let tokens = VerifiedTokens::default();
        for number in 0..10 * GENERATION {
            tokens.claims_of("in use", || (number == 0).then_some(0)).unwrap();
            tokens.claims_of(&number.to_string(), || Some(number)).unwrap();
        }
        let kept = tokens.with(|generations| generations.young.len() + generations.old.len());
        assert!((GENERATION..=2 * GENERATION).contains(&kept), "{kept}");
        assert_eq!(tokens.claims_of("0", || None), None, "the first is forgotten");
    }
}
