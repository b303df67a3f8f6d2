//! Everything that people ask of fraud detection, in one place.

use std::sync::Arc;

use super::{Backtests, FraudAround, FraudCases, FraudDetection, FraudEntities, ListBook, ModelBook, RuleBook};

/// Fraud detection and what people do with it.
pub struct FraudDesk {
    /// Judges payments.
    pub detection: Arc<FraudDetection>,
    /// Payments that somebody is to look at.
    pub cases: FraudCases,
    /// What payments are suspected for.
    pub rules: RuleBook,
    /// What is let through, looked at or refused whatever rules say.
    pub lists: ListBook,
    /// What lies around the payment of a case.
    pub around: FraudAround,
    /// Customers, cards, devices, addresses.
    pub entities: FraudEntities,
    /// Models that judge beside rules.
    pub models: ModelBook,
    /// Rules tried on the past.
    pub backtests: Backtests,
}
