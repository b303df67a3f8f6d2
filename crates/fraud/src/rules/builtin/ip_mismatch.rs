//! Signal 3: the address is in another country than the bill.

use super::Builtin;
use crate::cel::Slot::Text;

pub(super) const RULE: Builtin = Builtin {
    name: "ip_mismatch",
    expression: "transaction.ip_country != transaction.billing_country",
    points: 20,
    reason_en: "the address is in {transaction.ip_country}, the bill goes to {transaction.billing_country}",
    reason_fr: "l'adresse IP est en {transaction.ip_country}, la facture en {transaction.billing_country}",
    fires: &[("transaction.ip_country", Text("NG")), ("transaction.billing_country", Text("FR"))],
    silent: &[("transaction.ip_country", Text("FR")), ("transaction.billing_country", Text("FR"))],
};
