//! The files of keys: those that sign access tokens, and the one that hashes card numbers. Made on the first start, kept in
//! the data folder.
//!
//! Each key is 32 secret bytes; of the keys of tokens there are two after a rotation. A file that
//! is cut short, changed or readable by everyone is refused, never replaced: making new keys in silence
//! would hide that something touched the old ones. One process at a time may use the folder.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest as _, Sha256};
use vigie_domain::{Error, Result};

/// A file of keys: how it is told from others, and what its loss costs.
struct KeyFile {
    name: &'static str,
    /// What it is, and the version of its format.
    first_line: &'static str,
    holds: &'static str,
    loss: &'static str,
}

/// Keys of access tokens.
const TOKEN_FILE: KeyFile =
    KeyFile { name: FILE_NAME, first_line: FIRST_LINE, holds: "token keys", loss: "logs everyone out" };
/// The key of hashes of card numbers.
const CARD_FILE: KeyFile = KeyFile {
    name: "card-hash.key",
    first_line: "vigie card hash key 1",
    holds: "the card hash key",
    loss: "gives the same card another hash from now on",
};

/// Name of the file in its folder.
const FILE_NAME: &str = "token.keys";
/// First line: what it is, and the version of its format.
const FIRST_LINE: &str = "vigie token keys 1";
/// Longest file that is read, in bytes; ours has about 200.
const FILE_BYTES_MAX: u64 = 4_096;

/// Secrets of the keys that sign and verify access tokens. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecrets {
    /// Of the key that signs.
    pub current: [u8; 32],
    /// Of the key before it, which still verifies.
    pub previous: Option<[u8; 32]>,
}

impl TokenSecrets {
    /// The secrets in the folder; made when there are none yet.
    ///
    /// # Errors
    /// `Invalid` when the file is damaged or readable by everyone; `Internal` when it cannot be read or
    /// written.
    pub fn load_or_create(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        match File::open(&path) {
            Ok(file) => read(&TOKEN_FILE, &path, file, Self::parse),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let secrets = Self { current: random_secret()?, previous: None };
                secrets.save(folder)?;
                Ok(secrets)
            }
            Err(cause) => Err(io_error("read", &path, &cause)),
        }
    }

    /// Makes a new current key and keeps the one before it; an older one is forgotten.
    ///
    /// # Errors
    /// As `load_or_create`.
    pub fn rotate(folder: &Path) -> Result<Self> {
        let before = Self::load_or_create(folder)?;
        let secrets = Self { current: random_secret()?, previous: Some(before.current) };
        secrets.save(folder)?;
        Ok(secrets)
    }

    fn save(&self, folder: &Path) -> Result<()> {
        replace(folder, &TOKEN_FILE, &self.to_text())
    }

    fn to_text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\ncurrent {}\n", URL_SAFE_NO_PAD.encode(self.current));
        if let Some(previous) = self.previous {
            text.push_str(&format!("previous {}\n", URL_SAFE_NO_PAD.encode(previous)));
        }
        let check = check_line(&text);
        text + &check
    }

    /// Reads what `to_text` wrote; says what is wrong otherwise.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let body = text.strip_prefix(FIRST_LINE).ok_or("its first line is missing")?;
        let check_at = text.rfind("check ").ok_or("it has been cut short")?;
        let (checked, check) = text.split_at(check_at);
        let mut current = None;
        let mut previous = None;
        let keys = body.get(..check_at.saturating_sub(FIRST_LINE.len())).unwrap_or_default();
        for line in keys.lines().filter(|line| !line.is_empty()) {
            match line.split_once(' ') {
                Some(("current", secret)) => current = Some(secret_of(secret)?),
                Some(("previous", secret)) => previous = Some(secret_of(secret)?),
                _ => return Err("it has a line that is neither \"current\" nor \"previous\""),
            }
        }
        if check != check_line(checked) {
            return Err("its checksum is wrong: it has been changed or damaged");
        }
        let current = current.ok_or("the current key is missing")?;
        Ok(Self { current, previous })
    }
}

impl fmt::Debug for TokenSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSecrets").finish_non_exhaustive()
    }
}

/// The key under which card numbers are hashed. Never printed.
///
/// It is made once and has no predecessor: what was hashed under another key cannot be compared with it.
#[derive(Clone, PartialEq, Eq)]
pub struct CardHashKey(pub [u8; 32]);

impl CardHashKey {
    /// The key in the folder; made when there is none yet.
    ///
    /// # Errors
    /// `Invalid` when the file is damaged or readable by everyone; `Internal` when it cannot be read or
    /// written.
    pub fn load_or_create(folder: &Path) -> Result<Self> {
        let path = folder.join(CARD_FILE.name);
        match File::open(&path) {
            Ok(file) => read(&CARD_FILE, &path, file, Self::parse),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let key = Self(random_secret()?);
                replace(folder, &CARD_FILE, &key.to_text())?;
                Ok(key)
            }
            Err(cause) => Err(io_error("read", &path, &cause)),
        }
    }

    fn to_text(&self) -> String {
        let text = format!("{}\nkey {}\n", CARD_FILE.first_line, URL_SAFE_NO_PAD.encode(self.0));
        let check = check_line(&text);
        text + &check
    }

    /// Reads what `to_text` wrote; says what is wrong otherwise.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let check_at = text.rfind("check ").ok_or("it has been cut short")?;
        let (checked, check) = text.split_at(check_at);
        let line = checked.strip_prefix(CARD_FILE.first_line).ok_or("its first line is missing")?.trim();
        if check != check_line(checked) {
            return Err("its checksum is wrong: it has been changed or damaged");
        }
        line.strip_prefix("key ").ok_or("the key is missing").and_then(secret_of).map(Self)
    }
}

impl fmt::Debug for CardHashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardHashKey").finish_non_exhaustive()
    }
}

/// Writes a file so that after a crash the old one or the new one is there, whole.
fn replace(folder: &Path, file: &KeyFile, text: &str) -> Result<()> {
    let new = folder.join(format!("{}.new", file.name));
    let path = folder.join(file.name);
    write_private(&new, text.as_bytes()).map_err(|cause| io_error("write", &new, &cause))?;
    fs::rename(&new, &path).map_err(|cause| io_error("write", &path, &cause))?;
    // The name is durable only once the folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|cause| io_error("sync", folder, &cause))
}

fn read<T>(kind: &KeyFile, path: &Path, file: File, parse: impl Fn(&str) -> Result<T, &'static str>) -> Result<T> {
    refuse_if_everyone_may_read(kind, path, &file)?;
    let mut text = String::new();
    match file.take(FILE_BYTES_MAX).read_to_string(&mut text) {
        Ok(_) => parse(&text).map_err(|what| refused(kind, path, what)),
        Err(cause) if cause.kind() == io::ErrorKind::InvalidData => Err(refused(kind, path, "it is not text")),
        Err(cause) => Err(io_error("read", path, &cause)),
    }
}

fn secret_of(text: &str) -> Result<[u8; 32], &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| "a key in it is not base64")?;
    let secret: [u8; 32] = bytes.try_into().map_err(|_| "a key in it is not 256 bits long")?;
    if secret.iter().all(|byte| *byte == secret[0]) {
        return Err("a key in it is one byte repeated, which is no secret");
    }
    Ok(secret)
}

fn check_line(text: &str) -> String {
    format!("check {}\n", URL_SAFE_NO_PAD.encode(Sha256::digest(text)))
}

fn random_secret() -> Result<[u8; 32]> {
    let mut secret = [0; 32];
    OsRng
        .try_fill_bytes(&mut secret)
        .map_err(|cause| Error::internal(format!("the operating system gives no random bytes: {cause}")))?;
    Ok(secret)
}

#[cfg(unix)]
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // A file left over from a crash may have another mode.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(not(unix))]
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The group may read: Kubernetes gives volumes to a group, files included.
#[cfg(unix)]
fn refuse_if_everyone_may_read(kind: &KeyFile, path: &Path, file: &File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(|cause| io_error("read", path, &cause))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(refused(kind, path, "everyone on this machine may use it (run chmod 600 on it if nobody has)"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_if_everyone_may_read(_kind: &KeyFile, _path: &Path, _file: &File) -> Result<()> {
    Ok(())
}

fn refused(file: &KeyFile, path: &Path, what: &str) -> Error {
    let (holds, loss) = (file.holds, file.loss);
    Error::invalid(format!(
        "the file of {holds} \"{}\" is refused: {what}; restore it, or delete it to get new keys, which {loss}",
        path.display()
    ))
}

fn io_error(verb: &str, path: &Path, cause: &io::Error) -> Error {
    Error::internal(format!("cannot {verb} \"{}\" of keys: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use vigie_domain::ErrorKind;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn keys_are_made_once_and_found_again() {
        let folder = folder();
        let made = TokenSecrets::load_or_create(folder.path()).unwrap();
        assert_eq!(made.previous, None);
        assert_eq!(TokenSecrets::load_or_create(folder.path()).unwrap(), made);
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE_NAME], "nothing else is left behind");
        assert_ne!(TokenSecrets::load_or_create(self::folder().path()).unwrap().current, made.current);
        assert!(!format!("{made:?}").contains(&made.current[0].to_string()));
    }

    #[test]
    fn a_rotation_keeps_one_previous_key() {
        let folder = folder();
        let first = TokenSecrets::load_or_create(folder.path()).unwrap();
        let second = TokenSecrets::rotate(folder.path()).unwrap();
        assert_eq!(second.previous, Some(first.current));
        let third = TokenSecrets::rotate(folder.path()).unwrap();
        assert_eq!(third.previous, Some(second.current));
        assert_eq!(TokenSecrets::load_or_create(folder.path()).unwrap(), third);
    }

    #[test]
    fn a_file_left_over_from_a_crash_is_no_obstacle() {
        let folder = folder();
        fs::write(folder.path().join("token.keys.new"), "half").unwrap();
        let made = TokenSecrets::load_or_create(folder.path()).unwrap();
        assert_eq!(TokenSecrets::load_or_create(folder.path()).unwrap(), made);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_and_refused_when_everyone_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder();
        TokenSecrets::rotate(folder.path()).unwrap();
        let path = folder.path().join(FILE_NAME);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let check = |mode: u32, is_accepted: bool| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(TokenSecrets::load_or_create(folder.path()).is_ok(), is_accepted, "{mode:o}");
        };
        check(0o660, true);
        check(0o604, false);
        check(0o644, false);
        check(0o600, true);
    }

    #[test]
    fn damaged_files_are_refused_and_kept() {
        let good = TokenSecrets { current: *b"0123456789abcdef0123456789ABCDEF", previous: Some([8; 32]) };
        let with_check = |text: &str| format!("{text}{}", check_line(text));
        let key = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let fine = TokenSecrets { previous: None, ..good.clone() }.to_text();
        assert_eq!(TokenSecrets::parse(&fine).unwrap().current, good.current);
        let check = |text: &str, what: &str| {
            let folder = folder();
            let path = folder.path().join(FILE_NAME);
            write_private(&path, text.as_bytes()).unwrap();
            let error = TokenSecrets::load_or_create(folder.path()).unwrap_err();
            assert!(error.kind == ErrorKind::Invalid && error.message.contains(what), "{text}: {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text, "what was refused is kept");
        };
        check("", "first line");
        check("-----BEGIN PRIVATE KEY-----", "first line");
        check(&fine[..fine.len() / 2], "cut short");
        check(&fine[..fine.len() - 3], "checksum");
        check(&fine.replace("current M", "current N"), "checksum");
        check(&format!("{fine}\n"), "checksum");
        check(&with_check(&format!("{FIRST_LINE}\n")), "current key is missing");
        check(&with_check(&format!("{FIRST_LINE}\ncurrent {}\n", key(&[1, 2, 3]))), "256 bits");
        check(&with_check(&format!("{FIRST_LINE}\ncurrent {}\n", key(b"0123456789abcdef"))), "256 bits");
        check(&with_check(&format!("{FIRST_LINE}\ncurrent \n")), "256 bits");
        check(&with_check(&format!("{FIRST_LINE}\ncurrent %%%\n")), "base64");
        check(&with_check(&format!("{FIRST_LINE}\ncurrent {}\n", key(&[0; 32]))), "one byte repeated");
        check(&good.to_text(), "one byte repeated");
        check(&with_check(&format!("{FIRST_LINE}\nsecret {}\n", key(&good.current))), "neither");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = folder();
        let error = TokenSecrets::load_or_create(&folder.path().join("nowhere")).unwrap_err();
        assert!(error.kind == ErrorKind::Internal && error.message.contains("nowhere"), "{error}");
    }

    #[test]
    fn the_card_hash_key_is_made_once_and_found_again() {
        let folder = folder();
        let made = CardHashKey::load_or_create(folder.path()).unwrap();
        assert!(CardHashKey::load_or_create(folder.path()).unwrap() == made);
        assert!(CardHashKey::load_or_create(self::folder().path()).unwrap() != made);
        assert_eq!(format!("{made:?}"), "CardHashKey { .. }");
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [CARD_FILE.name], "nothing else is left behind");
        let path = folder.path().join(CARD_FILE.name);
        let text = fs::read_to_string(&path).unwrap();
        for damaged in
            ["", &text[..text.len() / 2], &text.replace("key ", "kay "), &text.replace("hash key 1", "hash key 2")]
        {
            fs::write(&path, damaged).unwrap();
            let error = CardHashKey::load_or_create(folder.path()).unwrap_err();
            assert!(error.kind == ErrorKind::Invalid && error.message.contains("another hash"), "{damaged}: {error}");
        }
    }
}
