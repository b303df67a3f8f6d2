//! Reads activities from rows. Which leaf is which field is found once per layout.

use std::borrow::Cow;
use std::sync::Arc;

use vigie_domain::event_batch::{Layout, Row, ValueRef};
use vigie_domain::fraud::features::Amount;
use vigie_domain::ports::Fields;
use vigie_domain::time::parse_instant;
use vigie_domain::{LogType, Value, mapping};

use super::field::{FIELD_NAMES, Field};
use super::track::Keys;
use super::{Activity, ActivityKind};

/// Layouts that are remembered; past it all are looked at anew.
const LAYOUTS_MAX: usize = 1_024;

/// What the leaves of a layout are.
#[derive(Debug)]
struct Plan {
    layout: Arc<Layout>,
    fields: Arc<[Option<Field>]>,
}

/// Reads activities.
#[derive(Debug, Default)]
pub struct ActivityReader {
    plans: foldhash::HashMap<u64, Plan>,
}

impl ActivityReader {
    /// What the row says; `None` when it is nothing that fraud detection looks at.
    pub fn read<'a>(&mut self, row: &Row<'a>) -> Option<Activity<'a>> {
        if !matches!(row.log_type(), LogType::Transaction | LogType::UserBehavior) {
            return None;
        }
        let fields = self.fields(&row.layout());
        let mut activity = Activity {
            kind: ActivityKind::PageView,
            at: row.timestamp(),
            received_at: row.ingested_at(),
            amount: Amount::default(),
            account_created_at: None,
            is_bot: None,
            texts: [const { None }; FIELD_NAMES.len()],
            keys: Keys::default(),
        };
        let mut amount = None;
        for (field, value) in fields.iter().zip(row.values()) {
            match field {
                None => {}
                Some(Field::Amount) => amount = number(&value).and_then(Amount::from_units),
                Some(Field::AccountCreatedAt) => {
                    activity.account_created_at = text(value).and_then(|text| parse_instant(&text, row.timestamp()));
                }
                Some(Field::IsBot) => {
                    activity.is_bot = if let ValueRef::Bool(is_bot) = value { Some(is_bot) } else { None }
                }
                Some(field) => activity.texts[*field as usize] = text(value),
            }
        }
        activity.kind = match row.log_type() {
            LogType::Transaction => {
                activity.amount = amount?;
                kind_of_payment(&activity)?
            }
            _ => kind_of_action(activity.text(Field::Action)?)?,
        };
        activity.keys = Keys::of(&activity);
        Some(activity)
    }

    /// The fields that are read; of an event with these alone, the same is read as of the whole.
    pub fn needed() -> Fields {
        Fields::only(FIELD_NAMES.map(|(name, _)| name))
    }

    fn fields(&mut self, layout: &Arc<Layout>) -> Arc<[Option<Field>]> {
        if let Some(plan) = self.plans.get(&layout.hash())
            && (Arc::ptr_eq(&plan.layout, layout) || plan.layout == *layout)
        {
            return plan.fields.clone();
        }
        let fields: Arc<[Option<Field>]> =
            layout.leaves().iter().map(|leaf| Field::named(mapping::canonical(&leaf.path()))).collect();
        if self.plans.len() >= LAYOUTS_MAX {
            self.plans.clear();
        }
        self.plans.insert(layout.hash(), Plan { layout: layout.clone(), fields: fields.clone() });
        fields
    }
}

/// A payment needs a name: what has none cannot be told from what is sent again.
fn kind_of_payment(activity: &Activity<'_>) -> Option<ActivityKind> {
    activity.text(Field::TransactionId)?;
    let is_refund = matches!(activity.text(Field::TransactionType), Some("refund" | "chargeback"))
        || matches!(activity.text(Field::Status), Some("refunded" | "chargeback"));
    Some(if is_refund { ActivityKind::Refund } else { ActivityKind::Payment })
}

fn kind_of_action(action: &str) -> Option<ActivityKind> {
    match action {
        "login" | "register" => Some(ActivityKind::Login),
        "login_failed" => Some(ActivityKind::LoginFailed),
        "password_change" | "address_change" | "email_change" => Some(ActivityKind::AccountChange),
        "page_view" | "product_view" | "search" => Some(ActivityKind::PageView),
        _ => None,
    }
}

fn text(value: ValueRef<'_>) -> Option<Cow<'_, str>> {
    match value {
        ValueRef::Text(text) => Some(Cow::Borrowed(text)),
        ValueRef::Int(number) => Some(Cow::Owned(number.to_string())),
        ValueRef::Tree(Value::BigNumber(digits)) => Some(Cow::Owned(digits)),
        ValueRef::Null
        | ValueRef::Bool(_)
        | ValueRef::Float(_)
        | ValueRef::OwnTime(_)
        | ValueRef::OwnType(_)
        | ValueRef::Tree(_) => None,
    }
}

fn number(value: &ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Int(number) => Some(*number as f64),
        ValueRef::Float(number) => Some(*number),
        ValueRef::Text(text) => text.parse().ok(),
        ValueRef::Tree(Value::BigNumber(digits)) => digits.parse().ok(),
        ValueRef::Null | ValueRef::Bool(_) | ValueRef::OwnTime(_) | ValueRef::OwnType(_) | ValueRef::Tree(_) => None,
    }
}
