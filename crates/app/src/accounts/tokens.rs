//! Access tokens: JWTs signed with Ed25519, and the keys that sign and verify them.
//!
//! Only this one algorithm, only these keys, every claim checked with its type. A refresh token is
//! something else (`sessions.rs`) and is never accepted here. The clock is the caller's, not the library's.

use std::fmt;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use vigie_domain::{Error, ErrorKind, Result, Timestamp};

use super::permission::Role;
use super::random::{hex, random_id};
use super::verified_tokens::VerifiedTokens;

/// How long an access token is valid, in seconds.
pub(super) const ACCESS_TOKEN_S: i64 = 3_600;
/// Media type of access tokens (RFC 9068 §2.1).
const HEADER_TYPE: &str = "at+jwt";
/// Claim that tells access tokens from any other that these keys may sign one day.
const ACCESS_TYPE: &str = "access";
const ISSUER: &str = "vigie";
const AUDIENCE: &str = "vigie-api";
/// Longest token that is looked at, in bytes; ours have about 600.
const TOKEN_BYTES_MAX: usize = 4_096;
/// How far the clock may have stepped back since a token was issued, in seconds.
const CLOCK_STEP_BACK_MAX_S: i64 = 30;

/// Signs with one key and verifies with that one and the one before it.
pub struct TokenKeys {
    signing: EncodingKey,
    signing_key_id: String,
    /// The current key first, then the previous one.
    verifying: Vec<(String, DecodingKey)>,
    /// Tokens whose signature was found good; whether they are valid now is asked each time.
    verified: VerifiedTokens<Claims>,
}

/// What an access token says of its bearer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// Id of the user.
    pub(super) user_id: String,
    /// Id of the session.
    pub(super) session_id: String,
    /// The user's role when it was issued.
    pub(super) role: Role,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    role: Role,
    typ: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

impl TokenKeys {
    /// Keys from the 32 secret bytes of each (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// `Invalid` when a secret is one byte repeated, or both are the same.
    pub fn from_secrets(current: &[u8; 32], previous: Option<&[u8; 32]>) -> Result<Self> {
        if previous == Some(current) {
            return Err(Error::invalid("the previous token key is the current one; rotate the keys anew"));
        }
        let mut verifying = Vec::with_capacity(2);
        for secret in std::iter::once(current).chain(previous) {
            if secret.iter().all(|byte| *byte == secret[0]) {
                return Err(Error::invalid("a token key is one byte repeated; delete it so that a new one is made"));
            }
            let public = SigningKey::from_bytes(secret).verifying_key();
            verifying.push((key_id(public.as_bytes()), DecodingKey::from_ed_der(public.as_bytes())));
        }
        let der = SigningKey::from_bytes(current)
            .to_pkcs8_der()
            .map_err(|cause| Error::internal(format!("the token key cannot be encoded: {cause}")))?;
        let signing_key_id = verifying.first().map(|(id, _)| id.clone()).unwrap_or_default();
        Ok(Self {
            signing: EncodingKey::from_ed_der(der.as_bytes()),
            signing_key_id,
            verifying,
            verified: VerifiedTokens::default(),
        })
    }

    /// A token that says so until `expires_at`.
    pub(super) fn sign(&self, access: &Access, now: Timestamp, expires_at: Timestamp) -> Result<String> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: access.user_id.clone(),
            sid: access.session_id.clone(),
            role: access.role,
            typ: ACCESS_TYPE.to_owned(),
            iat: now.as_seconds(),
            nbf: now.as_seconds(),
            exp: expires_at.as_seconds(),
            jti: random_id()?,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(HEADER_TYPE.to_owned());
        header.kid = Some(self.signing_key_id.clone());
        jsonwebtoken::encode(&header, &claims, &self.signing)
            .map_err(|cause| Error::internal(format!("an access token cannot be signed: {cause}")))
    }

    /// What the token says, when it is ours and valid now.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<Access> {
        self.claims_of(token)
            .filter(|claims| claims.are_valid_at(now.as_seconds()))
            .map(|claims| Access { user_id: claims.sub.clone(), session_id: claims.sid.clone(), role: claims.role })
            .ok_or_else(invalid_access_token)
    }

    /// The claims, when the signature is good. Why it is not is nobody's business.
    fn claims_of(&self, token: &str) -> Option<Arc<Claims>> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        self.verified.claims_of(token, || self.verified_claims(token))
    }

    fn verified_claims(&self, token: &str) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(HEADER_TYPE) || header.crit.is_some() {
            return None;
        }
        let named = header.kid?;
        let (_, key) = self.verifying.iter().find(|(id, _)| *id == named)?;
        jsonwebtoken::decode(token, key, &signature_only()).ok().map(|token| token.claims)
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeys").field("signing_key_id", &self.signing_key_id).finish_non_exhaustive()
    }
}

impl Claims {
    fn are_valid_at(&self, now_s: i64) -> bool {
        let latest_s = now_s.saturating_add(CLOCK_STEP_BACK_MAX_S);
        self.iss == ISSUER
            && self.aud == AUDIENCE
            && self.typ == ACCESS_TYPE
            && self.nbf <= latest_s
            && self.iat <= latest_s
            && self.exp > now_s
            && self.exp.saturating_sub(self.iat) <= ACCESS_TOKEN_S
    }
}

/// The one answer to every access token that is not accepted.
pub(super) fn invalid_access_token() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the access token is not valid or has expired; refresh it or log in again")
}

/// Checks of the signature and of the issuer and audience; times are compared with the caller's clock.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation
}

/// Names a public key: the first half of its SHA-256.
fn key_id(public: &[u8; 32]) -> String {
    hex(&Sha256::digest(public)[..16])
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ed25519_dalek::Signer as _;
    use serde_json::{Value as Json, json};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const CURRENT: [u8; 32] = *b"current current current current!";
    const PREVIOUS: [u8; 32] = *b"previous previous previous prev!";

    fn keys() -> TokenKeys {
        TokenKeys::from_secrets(&CURRENT, Some(&PREVIOUS)).unwrap()
    }

    fn access() -> Access {
        Access { user_id: "u1".into(), session_id: "s1".into(), role: Role::Analyst }
    }

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW.as_seconds() + seconds)
    }

    fn header() -> Json {
        json!({"typ": "at+jwt", "alg": "EdDSA", "kid": keys().signing_key_id})
    }

    fn claims() -> Json {
        let now = NOW.as_seconds();
        json!({"iss": "vigie", "aud": "vigie-api", "sub": "u1", "sid": "s1", "role": "analyst", "typ": "access",
               "iat": now, "nbf": now, "exp": now + 3_600, "jti": "j1"})
    }

    /// A token with a good signature, whatever it says.
    fn signed(header: &Json, claims: &Json, secret: &[u8; 32]) -> String {
        let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = SigningKey::from_bytes(secret).sign(message.as_bytes()).to_bytes();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn a_token_says_what_was_signed_until_it_expires() {
        let token = keys().sign(&access(), NOW, after(3_600)).unwrap();
        assert_eq!(keys().verify(&token, NOW).unwrap(), access());
        assert_eq!(keys().verify(&token, after(3_599)).unwrap(), access());
        assert_eq!(keys().verify(&token, after(3_600)).unwrap_err().kind, ErrorKind::Unauthenticated);
        assert!(keys().verify(&token, after(-30)).is_ok(), "the clock stepped back a little");
        assert!(keys().verify(&token, after(-31)).is_err(), "not valid yet");
        assert_ne!(token, keys().sign(&access(), NOW, after(3_600)).unwrap(), "every token has its own id");
    }

    #[test]
    fn the_previous_key_still_verifies_and_a_strange_one_never() {
        let old = TokenKeys::from_secrets(&PREVIOUS, None).unwrap();
        let token = old.sign(&access(), NOW, after(3_600)).unwrap();
        assert!(keys().verify(&token, NOW).is_ok());
        let alone = TokenKeys::from_secrets(&CURRENT, None).unwrap();
        assert!(alone.verify(&token, NOW).is_err());
    }

    #[test]
    fn every_header_and_claim_is_checked_with_its_type() {
        let with = |mut object: Json, name: &str, value: Json| {
            match value {
                Json::Null => drop(object.as_object_mut().unwrap().remove(name)),
                value => object[name] = value,
            }
            object
        };
        let check = |header: &Json, claims: &Json, is_valid: bool| {
            let token = signed(header, claims, &CURRENT);
            assert_eq!(keys().verify(&token, NOW).is_ok(), is_valid, "{header} {claims}");
        };
        check(&header(), &claims(), true);
        for (name, value) in [
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("ES256")),
            ("alg", json!("eddsa")),
            ("alg", Json::Null),
            ("typ", json!("JWT")),
            ("typ", Json::Null),
            ("kid", json!("another")),
            ("kid", json!("")),
            ("kid", Json::Null),
            ("crit", json!(["exp"])),
        ] {
            check(&with(header(), name, value), &claims(), false);
        }
        let now = NOW.as_seconds();
        for (name, value) in [
            ("iss", json!("another")),
            ("iss", json!(["vigie"])),
            ("aud", json!("another")),
            ("aud", json!(["vigie-api"])),
            ("typ", json!("refresh")),
            ("role", json!("root")),
            ("role", json!(3)),
            ("sub", json!(1)),
            ("exp", json!(now)),
            ("exp", json!(now + 3_601)),
            ("exp", json!(i64::MAX)),
            ("exp", json!((now + 3_600).to_string())),
            ("exp", json!(1e12)),
            ("nbf", json!(now + 31)),
            ("iat", json!(now + 31)),
            ("iat", json!("now")),
            ("admin", json!(true)),
        ] {
            check(&header(), &with(claims(), name, value), false);
        }
        for name in claims().as_object().unwrap().keys() {
            check(&header(), &with(claims(), name, Json::Null), false);
        }
    }

    #[test]
    fn what_is_not_signed_by_us_is_refused() {
        let check = |token: &str| assert!(keys().verify(token, NOW).is_err(), "{token}");
        let good = signed(&header(), &claims(), &CURRENT);
        assert!(keys().verify(&good, NOW).is_ok());
        check("");
        check("..");
        check("a.b.c");
        check(&good[..good.len() - 2]);
        check(&format!("{good}."));
        check(&format!("{good}=="));
        check(&signed(&header(), &claims(), &PREVIOUS));
        let unsigned = good.rsplit_once('.').unwrap().0.to_owned();
        check(&format!("{unsigned}."));
        check(&unsigned);
        check(&format!("{}.{}", unsigned, "A".repeat(86)));
        check(&"x".repeat(TOKEN_BYTES_MAX + 1));
    }

    #[test]
    fn a_public_key_used_as_a_shared_secret_signs_nothing() {
        let public = SigningKey::from_bytes(&CURRENT).verifying_key();
        let mut forged = Header::new(Algorithm::HS256);
        forged.typ = Some(HEADER_TYPE.to_owned());
        forged.kid = Some(keys().signing_key_id);
        let token = jsonwebtoken::encode(&forged, &claims(), &EncodingKey::from_secret(public.as_bytes())).unwrap();
        assert!(keys().verify(&token, NOW).is_err());
    }

    #[test]
    fn weak_keys_are_refused_and_none_is_printed() {
        assert!(TokenKeys::from_secrets(&[0; 32], None).is_err());
        assert!(TokenKeys::from_secrets(&CURRENT, Some(&[7; 32])).is_err());
        assert!(TokenKeys::from_secrets(&CURRENT, Some(&CURRENT)).is_err());
        assert!(!format!("{:?}", keys()).contains("current current"));
    }
}
