//! What is known of one customer, card, device, address or e-mail: its payments, what it shares with others, and what became of them.
//!
//! Read from the logs at the moment it is asked for, so that it says what is stored and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use vigie_domain::aggregation::{Aggregation, AggregationAnswer};
use vigie_domain::fraud::features::Amount;
use vigie_domain::ports::{
    AggregateRequest, Fields, Hit, LogStore, MetadataStore, SearchRequest, Selection, SortOrder,
};
use vigie_domain::query::Query;
use vigie_domain::{Error, Result, Scope, TimeRange, Timestamp};
use vigie_fraud::backtest::Money;
use vigie_fraud::lists::ListKind;
use vigie_fraud::stream::{Activity, ActivityReader, Field};

use super::labels;
use super::recovery::as_batch;

/// Payments of the entity that are looked at, the newest.
const PAYMENTS_MAX: usize = 500;
/// Payments of others over the same links that are looked at, the newest.
const OTHERS_MAX: usize = 1_000;
/// Links that are shown, those with the most payments.
const LINKS_MAX: usize = 50;
/// Links of a customer that are followed to others.
const FOLLOWED_MAX: usize = 20;
/// A link that more customers share is a hub, such as the address of a company: it links nobody.
const LINK_USERS_MAX: usize = 20;
/// Linked customers that are shown.
const USERS_MAX: usize = 50;

/// What an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntityKind {
    /// A customer.
    User,
    /// A card, by its keyed hash.
    Card,
    /// A device.
    Device,
    /// An address.
    Ip,
    /// An e-mail address, by its hash.
    Email,
}

impl EntityKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::User, Self::Card, Self::Device, Self::Ip, Self::Email];

    /// As answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Card => "card",
            Self::Device => "device",
            Self::Ip => "ip",
            Self::Email => "email",
        }
    }

    /// The kind of that name.
    ///
    /// # Errors
    /// `Invalid` for any other name.
    pub fn named(name: &str) -> Result<Self> {
        let unknown = || {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::invalid_field("kind", format!("\"{name}\" is nothing that payments share; choose one of {names}"))
        };
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(unknown)
    }

    /// What lists call it; they name no e-mail, only its domain.
    pub const fn list_kind(self) -> Option<ListKind> {
        match self {
            Self::User => Some(ListKind::User),
            Self::Card => Some(ListKind::Card),
            Self::Device => Some(ListKind::Device),
            Self::Ip => Some(ListKind::Ip),
            Self::Email => None,
        }
    }

    /// The name of the field of payments that names it.
    pub(super) const fn field_name(self) -> &'static str {
        self.field().0
    }

    /// The field of payments that names it.
    const fn field(self) -> (&'static str, Field) {
        match self {
            Self::User => ("user_id", Field::User),
            Self::Card => ("card_hash", Field::Card),
            Self::Device => ("device_id", Field::Device),
            Self::Ip => ("client_ip", Field::ClientIp),
            Self::Email => ("email_hash", Field::Email),
        }
    }
}

/// Names an entity.
pub type Entity = (EntityKind, String);

/// Something that payments of the entity share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Payments with it that were looked at.
    pub payment_count: u64,
    /// Those that turned out to be fraud.
    pub fraud_count: u64,
    /// Who made them.
    pub users: BTreeSet<String>,
}

/// A customer who shares something with the entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkedUser {
    /// Payments over what is shared that were looked at.
    pub payment_count: u64,
    /// Those that turned out to be fraud.
    pub fraud_count: u64,
    /// What is shared.
    pub via: BTreeSet<Entity>,
}

/// What is known of an entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntityProfile {
    /// Its payments of the period.
    pub payment_count: u64,
    /// When the oldest and the newest were that were looked at.
    pub seen: Option<(Timestamp, Timestamp)>,
    /// Those that were refused, of what was looked at.
    pub declined_count: u64,
    /// Those that turned out to be fraud, of what was looked at.
    pub fraud_count: u64,
    /// What was paid, of what was looked at.
    pub amounts: Money,
    /// What Vigie said of them: decision and count.
    pub decisions: Vec<(String, u64)>,
    /// What they share, the most frequent first.
    pub links: Vec<(Entity, Link)>,
    /// Who shares it, the most suspicious first.
    pub linked_users: Vec<(String, LinkedUser)>,
    /// Whether there is more than was looked at.
    pub is_hub: bool,
}

/// Looks entities up.
pub struct FraudEntities {
    logs: Arc<dyn LogStore>,
    metadata: Arc<dyn MetadataStore>,
}

impl FraudEntities {
    /// Over these stores.
    pub fn new(logs: Arc<dyn LogStore>, metadata: Arc<dyn MetadataStore>) -> Self {
        Self { logs, metadata }
    }

    /// What is known of an entity from payments of a period; of one that nobody paid with, that there is nothing.
    ///
    /// # Errors
    /// What the stores answer.
    pub async fn profile(&self, scope: &Scope, (kind, value): &Entity, range: TimeRange) -> Result<EntityProfile> {
        let own_query = payments().and(Query::equals(kind.field_name(), value.as_str()));
        let (own, total) = self.payments(scope, own_query, range, PAYMENTS_MAX).await?;
        let own_frauds = self.frauds(&own).await?;
        let mut gathered = Gathered::default();
        gathered.own(&own, &own_frauds, *kind);
        let followed = if *kind == EntityKind::User { gathered.followed() } else { Vec::new() };
        let over_links =
            followed.iter().map(|(kind, value)| Query::equals(kind.field_name(), value.as_str())).collect();
        if let Some(over_links) = Query::any(over_links) {
            let (others, _) = self.payments(scope, payments().and(over_links), range, OTHERS_MAX).await?;
            let others: Vec<Paid> = others.into_iter().filter(|paid| paid.user() != Some(value)).collect();
            let frauds = self.frauds(&others).await?;
            gathered.others(&others, &frauds, &followed);
        } else {
            gathered.users_of(&own, &own_frauds, (*kind, value));
        }
        let decisions = self.decisions(scope, (kind.field_name(), value), range).await?;
        Ok(EntityProfile {
            payment_count: total,
            decisions,
            is_hub: total > PAYMENTS_MAX as u64,
            ..gathered.into_profile()
        })
    }

    async fn payments(&self, scope: &Scope, query: Query, range: TimeRange, max: usize) -> Result<(Vec<Paid>, u64)> {
        let request = SearchRequest {
            selection: Selection { query, range },
            order: SortOrder::NewestFirst,
            after: None,
            skip: 0,
            limit: max,
            count_total: true,
            fields: Fields::All,
        };
        let found = self.logs.search(scope, &request).await?;
        let total = found.total.unwrap_or(found.hits.len() as u64);
        Ok((read(found.hits), total))
    }

    /// Which of these payments turned out to be fraud.
    async fn frauds(&self, payments: &[Paid]) -> Result<HashSet<String>> {
        let mut frauds = HashSet::new();
        for id in payments.iter().map(|paid| paid.transaction_id.as_str()).collect::<BTreeSet<_>>() {
            if labels::is_fraud(self.metadata.as_ref(), id).await? {
                frauds.insert(id.to_owned());
            }
        }
        Ok(frauds)
    }

    async fn decisions(&self, scope: &Scope, field: (&str, &str), range: TimeRange) -> Result<Vec<(String, u64)>> {
        let of_vigie = Query::equals("log_type", "fraud").and(Query::equals("service", super::decision_event::MADE_BY));
        let request = AggregateRequest {
            selection: Selection { query: of_vigie.and(Query::equals(field.0, field.1)), range },
            aggregations: vec![Aggregation::terms("decisions", "decision", 3)],
        };
        let found = self.logs.aggregate(scope, &request).await?;
        let Some(AggregationAnswer::Buckets { buckets, .. }) = found.answer("decisions") else { return Ok(Vec::new()) };
        let named = buckets.iter().filter_map(|bucket| Some((bucket.key.as_text()?.to_owned(), bucket.count)));
        Ok(named.collect())
    }
}

fn payments() -> Query {
    Query::equals("log_type", "transaction")
}

/// One payment, as far as it matters here.
struct Paid {
    transaction_id: String,
    at: Timestamp,
    amount: Amount,
    currency: Option<String>,
    is_declined: bool,
    entities: Vec<Entity>,
}

impl Paid {
    fn of(activity: &Activity<'_>) -> Self {
        let text = |field: Field| activity.text(field).map(str::to_owned);
        let entity = |kind: EntityKind| Some((kind, text(kind.field().1)?));
        Self {
            transaction_id: text(Field::TransactionId).unwrap_or_default(),
            at: activity.at,
            amount: activity.amount,
            currency: text(Field::Currency),
            is_declined: activity.is_declined(),
            entities: EntityKind::ALL.into_iter().filter_map(entity).collect(),
        }
    }

    fn user(&self) -> Option<&String> {
        self.entities.iter().find(|(kind, _)| *kind == EntityKind::User).map(|(_, value)| value)
    }
}

fn read(hits: Vec<Hit>) -> Vec<Paid> {
    let (events, mut reader) = (as_batch(hits), ActivityReader::default());
    let mut payments = Vec::new();
    for row in events.rows() {
        if let Some(activity) = reader.read(&row).filter(Activity::is_transaction) {
            payments.push(Paid::of(&activity));
        }
    }
    payments
}

/// What payments say, on its way to a profile.
#[derive(Default)]
struct Gathered {
    profile: EntityProfile,
    links: BTreeMap<Entity, Link>,
    users: BTreeMap<String, LinkedUser>,
}

impl Gathered {
    fn own(&mut self, payments: &[Paid], frauds: &HashSet<String>, kind: EntityKind) {
        for paid in payments {
            let is_fraud = frauds.contains(&paid.transaction_id);
            let (oldest, newest) = self.profile.seen.unwrap_or((paid.at, paid.at));
            self.profile.seen = Some((oldest.min(paid.at), newest.max(paid.at)));
            self.profile.fraud_count += u64::from(is_fraud);
            self.profile.declined_count += u64::from(paid.is_declined);
            self.profile.amounts.add(paid.currency.as_deref(), paid.amount);
            for entity in paid.entities.iter().filter(|(of, _)| *of != kind) {
                self.links.entry(entity.clone()).or_default().count(paid, is_fraud);
            }
        }
    }

    /// Payments of others over links of a customer.
    fn others(&mut self, payments: &[Paid], frauds: &HashSet<String>, followed: &[Entity]) {
        let shared =
            |paid: &Paid| paid.entities.iter().filter(|entity| followed.contains(entity)).cloned().collect::<Vec<_>>();
        for paid in payments {
            let is_fraud = frauds.contains(&paid.transaction_id);
            for entity in shared(paid) {
                self.links.entry(entity).or_default().count(paid, is_fraud);
            }
        }
        for paid in payments {
            let is_link =
                |entity: &Entity| self.links.get(entity).is_some_and(|link| link.users.len() <= LINK_USERS_MAX);
            let via: Vec<Entity> = shared(paid).into_iter().filter(is_link).collect();
            if let Some(user) = paid.user().filter(|_| !via.is_empty()) {
                let linked = self.users.entry(user.clone()).or_default();
                linked.count(frauds.contains(&paid.transaction_id));
                linked.via.extend(via);
            }
        }
    }

    /// Customers of what is no customer itself.
    fn users_of(&mut self, payments: &[Paid], frauds: &HashSet<String>, (kind, value): (EntityKind, &str)) {
        for paid in payments.iter().filter(|_| kind != EntityKind::User) {
            if let Some(user) = paid.user() {
                let linked = self.users.entry(user.clone()).or_default();
                linked.count(frauds.contains(&paid.transaction_id));
                linked.via.insert((kind, value.to_owned()));
            }
        }
    }

    /// The links that lead furthest: those with the most payments.
    fn followed(&self) -> Vec<Entity> {
        let mut links: Vec<(&Entity, &Link)> = self.links.iter().collect();
        links.sort_by_key(|(_, link)| std::cmp::Reverse(link.payment_count));
        links.into_iter().take(FOLLOWED_MAX).map(|(entity, _)| entity.clone()).collect()
    }

    fn into_profile(self) -> EntityProfile {
        let mut links: Vec<(Entity, Link)> = self.links.into_iter().collect();
        links.sort_by_key(|(_, link)| std::cmp::Reverse((link.fraud_count, link.payment_count)));
        let mut linked_users: Vec<(String, LinkedUser)> = self.users.into_iter().collect();
        linked_users.sort_by_key(|(_, user)| std::cmp::Reverse((user.fraud_count, user.via.len(), user.payment_count)));
        links.truncate(LINKS_MAX);
        linked_users.truncate(USERS_MAX);
        EntityProfile { links, linked_users, ..self.profile }
    }
}

impl Link {
    fn count(&mut self, paid: &Paid, is_fraud: bool) {
        self.payment_count += 1;
        self.fraud_count += u64::from(is_fraud);
        self.users.extend(paid.user().cloned());
    }
}

impl LinkedUser {
    fn count(&mut self, is_fraud: bool) {
        self.payment_count += 1;
        self.fraud_count += u64::from(is_fraud);
    }
}
