//! Domains of e-mail addresses that are made for one use: the list of disposable-email-domains (CC0), made by
//! `scripts/make-lookups.mjs`.

use std::collections::HashSet;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

static DOMAINS: &str = include_str!("../../data/disposable_domains.txt");
/// Bytes of a domain (RFC 1035).
const DOMAIN_BYTES_MAX: usize = 253;

static KNOWN: LazyLock<HashSet<&'static str, RandomState>> = LazyLock::new(|| DOMAINS.lines().collect());

/// The domain of an address, or the domain itself, in small letters; `None` when the text is neither.
pub(crate) fn domain_of(text: &str) -> Option<String> {
    let domain = text.rsplit_once('@').map_or(text, |(_, domain)| domain);
    let domain = domain.trim().trim_end_matches(['>', '.']).to_lowercase();
    let is_domain = domain.len() <= DOMAIN_BYTES_MAX
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
        && !domain.contains(|c: char| c.is_whitespace() || "/<>,;:\"".contains(c));
    is_domain.then_some(domain)
}

/// Whether the domain, or one that it is below, is on the list.
pub(crate) fn is_disposable(domain: &str) -> bool {
    let above = domain.match_indices('.').map(|(at, _)| &domain[at + 1..]);
    std::iter::once(domain).chain(above).any(|name| KNOWN.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_found_in_addresses() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(domain_of(text).as_deref(), expected, "{text}");
        check("a@Mailinator.com", Some("mailinator.com"));
        check("Ann <a@b@shop.example>", Some("shop.example"));
        check("shop.example.", Some("shop.example"));
        for text in ["", "@", "a@", "a@b", "two words.com", "a@b..c", "a@b/c.d"] {
            check(text, None);
        }
    }

    #[test]
    fn domains_below_a_known_one_are_known() {
        assert!(is_disposable("mailinator.com") && is_disposable("x.y.mailinator.com"));
        for domain in ["gmail.com", "mailinator.example", "com", "mailinator.com.example"] {
            assert!(!is_disposable(domain), "{domain}");
        }
        assert!(KNOWN.len() > 1_000 && DOMAINS.lines().all(|line| line.contains('.') && line == line.to_lowercase()));
    }
}
