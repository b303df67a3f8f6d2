//! Providers of e-mail addresses that are thrown away after one use. The best known ones; a list of one's own adds to them.

/// Their domains, sorted.
const DOMAINS: [&str; 48] = [
    "0-mail.com",
    "10minutemail.com",
    "10minutemail.net",
    "20minutemail.com",
    "anonbox.net",
    "burnermail.io",
    "byom.de",
    "discard.email",
    "dispostable.com",
    "dropmail.me",
    "emailondeck.com",
    "fakeinbox.com",
    "fakemail.net",
    "getairmail.com",
    "getnada.com",
    "guerrillamail.biz",
    "guerrillamail.com",
    "guerrillamail.de",
    "guerrillamail.info",
    "guerrillamail.net",
    "guerrillamail.org",
    "guerrillamailblock.com",
    "harakirimail.com",
    "inboxkitten.com",
    "incognitomail.org",
    "jetable.org",
    "mail-temp.com",
    "mailcatch.com",
    "maildrop.cc",
    "mailinator.com",
    "mailinator.net",
    "mailnesia.com",
    "mailsac.com",
    "mintemail.com",
    "moakt.com",
    "mohmal.com",
    "mytemp.email",
    "sharklasers.com",
    "spam4.me",
    "spambox.us",
    "spamgourmet.com",
    "temp-mail.org",
    "tempail.com",
    "tempmail.com",
    "throwawaymail.com",
    "trashmail.com",
    "trashmail.de",
    "yopmail.com",
];

/// Whether addresses of the domain are thrown away.
pub(super) fn is_throwaway(domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    DOMAINS.binary_search(&domain.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_sorted_and_found() {
        assert!(DOMAINS.is_sorted());
        assert!(is_throwaway("mailinator.com") && is_throwaway("YOPmail.com") && !is_throwaway("gmail.com"));
    }
}
