//! Signal 3: address, bill and parcel are in three countries.

use super::Builtin;
use crate::cel::Slot::Text;

pub(super) const RULE: Builtin = Builtin {
    name: "suspicious_location",
    expression: "transaction.ip_country != transaction.billing_country && transaction.shipping_country != transaction.billing_country",
    points: 40,
    reason_en: "address in {transaction.ip_country}, bill to {transaction.billing_country}, parcel to {transaction.shipping_country}",
    reason_fr: "adresse IP en {transaction.ip_country}, facture en {transaction.billing_country}, colis vers {transaction.shipping_country}",
    fires: &[
        ("transaction.ip_country", Text("NG")),
        ("transaction.billing_country", Text("FR")),
        ("transaction.shipping_country", Text("DE")),
    ],
    silent: &[
        ("transaction.ip_country", Text("NG")),
        ("transaction.billing_country", Text("FR")),
        ("transaction.shipping_country", Text("FR")),
    ],
};
