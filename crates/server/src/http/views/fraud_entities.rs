//! What is known of customers, cards, devices, addresses and e-mails, as JSON.

use serde::Serialize;
use utoipa::ToSchema;
use vigie_app::fraud::{Entity, EntityProfile, KeptEntry, Link, LinkedUser};
use vigie_domain::TimeRange;

use super::analytics::AmountView;
use super::fraud_backtest::{DecisionCountsView, sums};
use super::fraud_lists::ListEntryView;

/// What is known of an entity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudEntity)]
pub struct EntityView {
    /// `user`, `card`, `device`, `ip` or `email`.
    #[schema(example = "device")]
    pub kind: &'static str,
    /// Which.
    pub value: String,
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// When its oldest payment was that was looked at.
    #[schema(format = DateTime)]
    pub first_seen_at: Option<String>,
    /// When its newest payment was.
    #[schema(format = DateTime)]
    pub last_seen_at: Option<String>,
    /// Its payments of the period.
    pub payment_count: u64,
    /// Those that were refused, of the newest 500.
    pub declined_count: u64,
    /// Those that are labelled as fraud, of the newest 500.
    pub fraud_count: u64,
    /// What was paid with the newest 500.
    pub amounts: Vec<AmountView>,
    /// What Vigie said of its payments.
    pub decisions: DecisionCountsView,
    /// What its payments share, those with frauds first.
    pub links: Vec<LinkView>,
    /// Customers who share it, those with frauds first.
    pub linked_users: Vec<LinkedUserView>,
    /// Whether there is more than was looked at.
    pub is_hub: bool,
    /// Entries of lists that name it.
    pub list_entries: Vec<ListEntryView>,
}

/// Something that payments share.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudLink)]
pub struct LinkView {
    /// `user`, `card`, `device`, `ip` or `email`.
    pub kind: &'static str,
    /// Which.
    pub value: String,
    /// Payments with it that were looked at.
    pub payment_count: u64,
    /// Customers who made them.
    pub user_count: usize,
    /// Those that are labelled as fraud.
    pub fraud_count: u64,
}

/// A customer who shares something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudLinkedUser)]
pub struct LinkedUserView {
    /// Who.
    pub user: String,
    /// Payments over what is shared.
    pub payment_count: u64,
    /// Those that are labelled as fraud.
    pub fraud_count: u64,
    /// What is shared.
    pub via: Vec<EntityNameView>,
}

/// Names an entity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudEntityName)]
pub struct EntityNameView {
    /// `user`, `card`, `device`, `ip` or `email`.
    pub kind: &'static str,
    /// Which.
    pub value: String,
}

impl EntityView {
    /// Of this entity in this period.
    pub fn new((kind, value): Entity, range: TimeRange, profile: EntityProfile, listed: Vec<KeptEntry>) -> Self {
        let count = |decision: &str| {
            let found = profile.decisions.iter().find(|(known, _)| known == decision);
            found.map_or(0, |(_, count)| *count)
        };
        let decisions = DecisionCountsView { allow: count("allow"), review: count("review"), block: count("block") };
        Self {
            kind: kind.as_str(),
            value,
            from: range.from.to_string(),
            to: range.to.to_string(),
            first_seen_at: profile.seen.map(|(oldest, _)| oldest.to_string()),
            last_seen_at: profile.seen.map(|(_, newest)| newest.to_string()),
            payment_count: profile.payment_count,
            declined_count: profile.declined_count,
            fraud_count: profile.fraud_count,
            amounts: sums(&profile.amounts),
            decisions,
            links: profile.links.into_iter().map(link).collect(),
            linked_users: profile.linked_users.into_iter().map(linked_user).collect(),
            is_hub: profile.is_hub,
            list_entries: listed.into_iter().map(Into::into).collect(),
        }
    }
}

fn link(((kind, value), link): (Entity, Link)) -> LinkView {
    let Link { payment_count, fraud_count, users } = link;
    LinkView { kind: kind.as_str(), value, payment_count, user_count: users.len(), fraud_count }
}

fn linked_user((user, linked): (String, LinkedUser)) -> LinkedUserView {
    let LinkedUser { payment_count, fraud_count, via } = linked;
    let name = |(kind, value): Entity| EntityNameView { kind: kind.as_str(), value };
    LinkedUserView { user, payment_count, fraud_count, via: via.into_iter().map(name).collect() }
}
