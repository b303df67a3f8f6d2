//! `transaction`: a payment and its outcome.

use super::FieldKind::{Decimal, Instant, Int, Keyword};
use super::{FieldDef, field};

pub(super) const FIELDS: &[FieldDef] = &[
    field("transaction_id", Keyword),
    field("order_id", Keyword),
    field("merchant_id", Keyword),
    field("amount", Decimal),
    field("currency", Keyword),
    field("payment_method", Keyword),
    field("status", Keyword),
    field("transaction_type", Keyword),
    field("quantity", Int),
    field("product_id", Keyword),
    field("product_name", Keyword),
    field("category", Keyword),
    field("coupon", Keyword),
    field("items.product_id", Keyword),
    field("items.name", Keyword),
    field("items.quantity", Int),
    field("items.price", Decimal),
    field("card_bin", Keyword),
    field("card_last4", Keyword),
    field("card_hash", Keyword),
    field("device_id", Keyword),
    field("email_hash", Keyword),
    field("billing_country", Keyword),
    field("shipping_country", Keyword),
    field("location", Keyword),
    field("account_created_at", Instant),
];
