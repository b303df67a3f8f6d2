//! Lists that people keep: what is let through, looked at or refused whatever rules say.
//!
//! Not how they are stored, and no rules. Invariant: whether an entry counts depends on the payment and its time alone, so that a replay
//! says the same. Block beats allow, allow beats review and every rule.

mod entry;
mod networks;
#[cfg(test)]
mod tests;

use foldhash::HashMap;
use vigie_domain::Timestamp;

pub use entry::{ListEntry, ListEntryError, ListKind};

use crate::rules::Effect;
use crate::stream::{Activity, Field};
use networks::{Network, Networks};

/// An entry as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    effect: Effect,
    expires_at: Option<Timestamp>,
}

impl Held {
    fn counts_at(&self, at: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| at < expires_at)
    }
}

/// Entries in force, found by what a payment names.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    exact: HashMap<(ListKind, String), Held>,
    networks: Networks<Held>,
}

/// An entry that names something of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What it names.
    pub kind: ListKind,
    /// The value as the entry has it.
    pub value: String,
    /// What it does.
    pub effect: Effect,
}

impl Lists {
    /// Puts entries in force; of two with the same kind and value the last counts.
    pub fn new(entries: impl IntoIterator<Item = ListEntry>) -> Self {
        let mut lists = Self::default();
        for ListEntry { kind, value, effect, expires_at } in entries {
            let held = Held { effect, expires_at };
            match Network::parse(&value).filter(|_| kind == ListKind::Ip) {
                Some(network) => lists.networks.insert(network, held),
                None => {
                    lists.exact.insert((kind, value), held);
                }
            }
        }
        lists
    }

    /// Entries that name something of a payment and count at its time, the strongest first.
    pub fn find(&self, activity: &Activity<'_>) -> Vec<Listed> {
        let mut found = Vec::new();
        if !self.exact.is_empty() {
            self.find_exact(activity, &mut found);
        }
        let address = activity.text(Field::ClientIp).filter(|_| !self.networks.is_empty());
        let address = address.and_then(|text| text.parse().ok());
        if let Some(address) = address {
            self.networks.for_each(address, |network, held| {
                if held.counts_at(activity.at) {
                    found.push(Listed { kind: ListKind::Ip, value: network.to_string(), effect: held.effect });
                }
            });
        }
        found.sort_by_key(|listed| std::cmp::Reverse(listed.effect));
        found
    }

    fn find_exact(&self, activity: &Activity<'_>, found: &mut Vec<Listed>) {
        let fields = [
            (ListKind::Card, Field::Card),
            (ListKind::Device, Field::Device),
            (ListKind::User, Field::User),
            (ListKind::EmailDomain, Field::EmailDomain),
        ];
        for (kind, field) in fields {
            if let Some(text) = activity.text(field) {
                self.look(kind, text, activity.at, found);
            }
        }
        let bin = activity.text(Field::CardBin).unwrap_or_default();
        for digits in entry::BIN_DIGITS {
            if let Some(prefix) = bin.get(..digits) {
                self.look(ListKind::Bin, prefix, activity.at, found);
            }
        }
        let mut countries = [Field::BillingCountry, Field::ShippingCountry, Field::CardCountry]
            .map(|field| activity.text(field))
            .into_iter()
            .chain([activity.ip_country()])
            .flatten()
            .collect::<Vec<_>>();
        countries.sort_unstable();
        countries.dedup();
        for country in countries {
            self.look(ListKind::Country, country, activity.at, found);
        }
    }

    fn look(&self, kind: ListKind, text: &str, at: Timestamp, found: &mut Vec<Listed>) {
        let value = kind.folded(text);
        if let Some(((kind, value), held)) = self.exact.get_key_value(&(kind, value))
            && held.counts_at(at)
        {
            found.push(Listed { kind: *kind, value: value.clone(), effect: held.effect });
        }
    }
}
