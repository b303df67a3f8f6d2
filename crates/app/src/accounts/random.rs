//! Secrets and ids from the operating system's random source; nothing else in this crate is random.

use rand::TryRngCore;
use rand::rngs::OsRng;
use vigie_domain::{Error, Result};

/// Characters that nobody mistakes for one another: no `0 O o`, no `1 l I i`, no `u v`.
const UNAMBIGUOUS: &[u8; 32] = b"abcdefghjkmnpqrstwxyz23456789ACE";
/// 24 characters of 32 possible ones are 120 bits.
const GENERATED_PASSWORD_CHARS: usize = 24;

/// `N` bytes that nobody can guess.
pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|cause| Error::internal(format!("the operating system gives no random bytes: {cause}")))?;
    Ok(bytes)
}

/// 32 hexadecimal digits that nobody can guess.
pub(crate) fn random_id() -> Result<String> {
    Ok(hex(&random_bytes::<16>()?))
}

/// A password that a person can copy from a screen, in groups of six characters.
pub(super) fn generated_password() -> Result<String> {
    let bytes = random_bytes::<GENERATED_PASSWORD_CHARS>()?;
    let mut password = String::with_capacity(GENERATED_PASSWORD_CHARS + 3);
    for (position, byte) in bytes.iter().enumerate() {
        if position > 0 && position % 6 == 0 {
            password.push('-');
        }
        // 256 is a multiple of 32, so that every character is equally likely.
        password.push(char::from(UNAMBIGUOUS[usize::from(byte % 32)]));
    }
    Ok(password)
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_alphabet_has_32_different_characters() {
        assert_eq!(UNAMBIGUOUS.iter().collect::<HashSet<_>>().len(), 32);
        assert!(!UNAMBIGUOUS.iter().any(|c| b"0Oo1lIiuv".contains(c)));
    }

    #[test]
    fn generated_passwords_are_long_and_different() {
        let passwords: HashSet<String> = (0..50).map(|_| generated_password().unwrap()).collect();
        assert_eq!(passwords.len(), 50);
        assert!(passwords.iter().all(|password| password.len() == 27 && password.matches('-').count() == 3));
    }

    #[test]
    fn hex_keeps_leading_zeros() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
        assert_eq!(random_id().unwrap().len(), 32);
    }
}
