//! Signal 5: an e-mail address that is thrown away after use.

use super::Builtin;
use crate::cel::Slot::Bool;

pub(super) const RULE: Builtin = Builtin {
    name: "disposable_email",
    expression: "email.is_throwaway",
    points: 50,
    reason_en: "the e-mail address is of {transaction.email_domain}, whose addresses are thrown away after use",
    reason_fr: "l'adresse e-mail est chez {transaction.email_domain}, un fournisseur d'adresses jetables",
    fires: &[("email.is_throwaway", Bool(true))],
    silent: &[("email.is_throwaway", Bool(false))],
};
