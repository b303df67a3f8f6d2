//! Which names say that what they name is a secret: `password`, `X-Api-Key`, `customer.clientSecret`.
//!
//! Ids (`session_id`, `trace_id`, `card_hash`) are none, and neither are names that speak *about* a secret (`password_changed_at`).

use super::kind::RedactionKind::{self, ApiKey, Cookie, Cvv, Password, Pin, PrivateKey, Secret, Token, Track};

/// Letters and digits from the end of a name that are looked at.
const NAME_MAX: usize = 40;

/// Ends of names, without separators and in lower case.
const ENDS: &[(&str, RedactionKind)] = &[
    ("password", Password),
    ("passwd", Password),
    ("pwd", Password),
    ("passphrase", Password),
    ("passcode", Password),
    ("passwordconfirmation", Password),
    ("passwordconfirm", Password),
    ("passwordhash", Password),
    ("password1", Password),
    ("password2", Password),
    ("userpass", Password),
    ("dbpass", Password),
    ("secret", Secret),
    ("secretkey", Secret),
    ("sharedkey", Secret),
    ("signingkey", Secret),
    ("encryptionkey", Secret),
    ("masterkey", Secret),
    ("token", Token),
    ("headerauthorization", Token),
    ("headersauthorization", Token),
    ("proxyauthorization", Token),
    ("apikey", ApiKey),
    ("accesskey", ApiKey),
    ("authkey", ApiKey),
    ("accountkey", ApiKey),
    ("privatekey", PrivateKey),
    ("sshkey", PrivateKey),
    ("setcookie", Cookie),
    ("headercookie", Cookie),
    ("headerscookie", Cookie),
    ("sessioncookie", Cookie),
    ("authcookie", Cookie),
    ("requestcookie", Cookie),
    ("requestcookies", Cookie),
    ("responsecookies", Cookie),
    ("httpcookie", Cookie),
    ("cvv", Cvv),
    ("cvv2", Cvv),
    ("cvc", Cvv),
    ("cvc2", Cvv),
    ("cavv2", Cvv),
    ("securitycode", Cvv),
    ("verificationvalue", Cvv),
    ("cardverificationcode", Cvv),
    ("cardcsc", Cvv),
    ("cardcvn", Cvv),
    ("track1", Track),
    ("track2", Track),
    ("track1data", Track),
    ("track2data", Track),
    ("trackdata", Track),
    ("track2equivalentdata", Track),
    ("magstripe", Track),
    ("pinblock", Pin),
    ("cardpin", Pin),
];

/// Last parts of names that say so only when there is nothing else before them.
const WHOLE: &[(&str, RedactionKind)] = &[
    ("authorization", Token),
    ("cookie", Cookie),
    ("cookies", Cookie),
    ("csc", Cvv),
    ("cvn", Cvv),
    ("cvn2", Cvv),
    ("cav2", Cvv),
    ("cid2", Cvv),
    ("pass", Password),
    ("bearer", Token),
];

/// Tokens that are no secrets: places in a list, and what stands for a card so that the card need not be stored.
const HARMLESS: &[&str] = &["pagetoken", "nexttoken", "continuationtoken", "cardtoken", "paymenttoken"];

/// What the value of that name is, if the name says that it is a secret.
#[inline]
pub(super) fn kind_of_name(name: &[u8]) -> Option<RedactionKind> {
    if is_suspect(name) { kind_of_suspect(name) } else { None }
}

/// Whether the name may be one of those above: most are told apart by their last letters, and this is asked of every name.
#[inline]
fn is_suspect(name: &[u8]) -> bool {
    let [.., third, second, last] = name else { return false };
    let before = |count: usize| letter_before(name, count);
    match &[third | 0x20, second | 0x20, last | 0x20] {
        b"ord" | b"swd" | b"pwd" | b"irm" | b"rd1" | b"rd2" | b"ass" | b"ret" | b"key" | b"ken" | b"kie" | b"cvv"
        | b"vv2" | b"cvc" | b"vc2" | b"csc" | b"cvn" | b"vn2" | b"av2" | b"id2" | b"ck1" | b"ck2" | b"ipe" | b"pin"
        | b"rer" => true,
        // `authorization` and `confirmation`, and not `action`.
        b"ion" => matches!(name, [.., b'z' | b'Z' | b'm' | b'M', _, _, _, _, _]),
        // `securityCode`, `card_verification_code`, `passcode`, and not `status_code`.
        b"ode" => matches!(before(4), b'y' | b'n') || matches!(name, [.., b's' | b'S', _, _, _, _]),
        b"ash" => before(4) == b'd' && !matches!(name.first(), Some(b'c')),
        b"ase" => matches!(name, [.., b'h' | b'H', _, _, _, _]),
        b"ies" => matches!(name, [.., b'o' | b'O', b'k' | b'K', _, _, _]),
        b"lue" => before(5) == b'n',
        b"ata" => matches!(before(4), b'k' | b'1' | b'2' | b't'),
        b"ock" => matches!(before(5), b'n'),
        // `track_2`, `cvv-2`.
        [b'k' | b'd' | b'v' | b'c', _, b'1' | b'2'] => !second.is_ascii_alphanumeric(),
        _ => false,
    }
}

/// The letter or digit, in lower case, before the last `count` bytes and a separator before them.
fn letter_before(name: &[u8], count: usize) -> u8 {
    let rest = &name[..name.len().saturating_sub(count)];
    let letter = rest.iter().rev().take(2).find(|byte| byte.is_ascii_alphanumeric());
    letter.map_or(0, u8::to_ascii_lowercase)
}

#[cold]
fn kind_of_suspect(name: &[u8]) -> Option<RedactionKind> {
    let (buffer, length) = compact(name);
    let compacted = &buffer[NAME_MAX - length..];
    if HARMLESS.iter().any(|harmless| compacted.ends_with(harmless.as_bytes())) {
        return None;
    }
    let by_end = ENDS.iter().find(|(end, _)| compacted.ends_with(end.as_bytes()));
    let last_part = name.rsplit(|byte| *byte == b'.').next().unwrap_or(name);
    let (buffer, length) = compact(last_part);
    let whole = &buffer[NAME_MAX - length..];
    by_end.or_else(|| WHOLE.iter().find(|(known, _)| whole == known.as_bytes())).map(|(_, kind)| *kind)
}

/// The last letters and digits of a name, in lower case, at the end of the buffer; and how many they are.
fn compact(name: &[u8]) -> ([u8; NAME_MAX], usize) {
    let mut buffer = [0; NAME_MAX];
    let mut length = 0;
    for byte in name.iter().rev().filter(|byte| byte.is_ascii_alphanumeric()).take(NAME_MAX) {
        length += 1;
        buffer[NAME_MAX - length] = byte.to_ascii_lowercase();
    }
    (buffer, length)
}

/// Whether numbers under that name are article numbers, phone numbers or ids, which look like old card numbers of 12 to 14 digits.
pub(super) fn names_other_numbers(name: &[u8]) -> bool {
    const OTHERS: [&str; 15] = [
        "ean",
        "ean13",
        "gtin",
        "gtin13",
        "gtin14",
        "upc",
        "isbn",
        "isbn13",
        "barcode",
        "phone",
        "phonenumber",
        "mobile",
        "msisdn",
        "tel",
        "fax",
    ];
    let (buffer, length) = compact(name);
    let compacted = &buffer[NAME_MAX - length..];
    let is_id = name.ends_with(b"id") || name.ends_with(b"Id") || name.ends_with(b"ID");
    is_id || OTHERS.iter().any(|other| compacted.ends_with(other.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<RedactionKind>) {
        assert_eq!(kind_of_name(name.as_bytes()), expected, "{name}");
    }

    #[test]
    fn names_of_secrets_are_told_in_every_spelling() {
        for name in
            ["password", "Password", "PASSWORD", "user.password", "newPassword", "pass_word", "db-pwd", "passwd"]
        {
            check(name, Some(Password));
        }
        for name in ["access_token", "refreshToken", "x-csrf-token", "TOKEN", "Authorization", "headers.authorization"]
        {
            check(name, Some(Token));
        }
        for name in ["api_key", "apiKey", "X-API-KEY", "apikey", "secret_access_key", "api.key", "API KEY"] {
            check(name, Some(ApiKey));
        }
        for name in ["cookie", "Cookie", "set-cookie", "Set_Cookie", "request.cookies", "request_headers_cookie"] {
            check(name, Some(Cookie));
        }
        for name in ["cvv", "CVC", "card_cvv2", "cardSecurityCode", "card_security_code", "csc", "CARD-CVC"] {
            check(name, Some(Cvv));
        }
        check("client_secret", Some(Secret));
        check("private_key", Some(PrivateKey));
        check("track_2", Some(Track));
        check("track2_data", Some(Track));
        check("pin_block", Some(Pin));
        check("pass", Some(Password));
    }

    #[test]
    fn other_names_are_none() {
        for name in [
            "",
            "id",
            "session_id",
            "trace_id",
            "request_id",
            "user_id",
            "card_hash",
            "email_hash",
            "transaction_id",
            "order_id",
            "status_code",
            "error_code",
            "token_count",
            "tokens",
            "password_changed_at",
            "cvv_result",
            "key",
            "cache_key",
            "primary_key",
            "idempotency_key",
            "action",
            "duration",
            "location",
            "description",
            "next_page_token",
            "card_token",
            "boarding_pass",
            "compass",
            "track",
            "metadata",
            "value",
            "keyword",
            "passed",
            "monkey",
            "secretary",
            "cookie_consent",
            "preauthorization",
            "access_key_id",
            "api_key_id",
            "card_last4",
            "card_bin",
        ] {
            check(name, None);
        }
    }

    #[test]
    fn every_end_passes_the_first_look() {
        for (end, kind) in ENDS.iter().chain(WHOLE) {
            check(end, Some(*kind));
            check(&end.to_ascii_uppercase(), Some(*kind));
            for name in [(*end).to_owned(), end.to_ascii_uppercase()] {
                let found = super::super::prescan::prospects(format!("{name}=00000").as_bytes());
                assert!(found.has_pair, "{name}");
            }
        }
    }
}
