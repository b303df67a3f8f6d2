//! Signal 3: the card was issued in another country than the address and the bill.

use super::Builtin;
use crate::cel::Slot::Text;

pub(super) const RULE: Builtin = Builtin {
    name: "card_country_mismatch",
    expression: "transaction.card_country != transaction.billing_country && transaction.card_country != transaction.ip_country",
    points: 25,
    reason_en: "the card is from {transaction.card_country}, the bill goes to {transaction.billing_country}",
    reason_fr: "la carte vient de {transaction.card_country}, la facture part en {transaction.billing_country}",
    fires: &[
        ("transaction.card_country", Text("BR")),
        ("transaction.ip_country", Text("NG")),
        ("transaction.billing_country", Text("FR")),
    ],
    silent: &[
        ("transaction.card_country", Text("FR")),
        ("transaction.ip_country", Text("NG")),
        ("transaction.billing_country", Text("FR")),
    ],
};
