//! Countries and products, the busiest first.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use vigie_domain::aggregation::{Aggregation, Bucket};
use vigie_domain::error::Error;
use vigie_domain::query::Query;
use vigie_domain::{Result, Scope, TimeRange};

use super::answers::{Answers, shown};
use super::behaviour::behaviour;
use super::money::Money;
use super::transactions::{self, TransactionTotals};
use super::{Analytics, AnalyticsInput, any, completed_payments, filters, money, payments};

/// Lines of a ranking unless the caller says otherwise.
pub const RANKING_DEFAULT: usize = 10;
/// Lines of a ranking at most.
pub const RANKING_MAX: usize = 500;

/// Products that are told apart: the busiest by their events, and by their orders.
const PRODUCTS_MAX: usize = 10_000;

/// The busiest of a period.
#[derive(Clone, Debug)]
pub struct Ranking<T> {
    /// The period.
    pub range: TimeRange,
    /// The busiest first.
    pub lines: Vec<T>,
    /// How many there are in all.
    pub distinct: u64,
}

/// One country of visitors, by their addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct CountryLine {
    /// ISO 3166-1, two letters.
    pub country: String,
    /// Its events.
    pub count: u64,
    /// Distinct sessions.
    pub sessions: u64,
    /// Its payments.
    pub transactions: TransactionTotals,
}

/// One product.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductLine {
    /// Its id.
    pub product_id: String,
    /// Its name, when one was sent.
    pub name: Option<String>,
    /// How often it was looked at.
    pub views: u64,
    /// How often it was put into a cart.
    pub carts: u64,
    /// Payments that were made for it, alone or among others.
    pub purchases: u64,
    /// What these payments brought, the other products in them included.
    pub order_amounts: Vec<Money>,
}

impl Analytics {
    /// Countries by their events, or by their payments when `query` leaves only these.
    ///
    /// # Errors
    /// When the query or a time cannot be read, `limit` is out of bounds, or what the store answers.
    pub async fn top_countries(
        &self,
        scope: &Scope,
        input: &AnalyticsInput,
        limit: usize,
    ) -> Result<Ranking<CountryLine>> {
        let (query, range) = self.selection(input)?;
        let countries = Aggregation::terms("countries", "geo.country", checked(limit)?)
            .with(Aggregation::cardinality("sessions", "session_id"))
            .with(transactions::among_others("paid"));
        let distinct = Aggregation::cardinality("distinct", "geo.country");
        let result = self.count(scope, &query, range, vec![countries, distinct]).await?;
        let answers = Answers::new(&result.answers);
        let line = |bucket: &Bucket| {
            let within = Answers::new(&bucket.children);
            CountryLine {
                country: shown(&bucket.key),
                count: bucket.count,
                sessions: within.cardinality("sessions"),
                transactions: transactions::read_among_others(within, "paid"),
            }
        };
        let lines = answers.buckets("countries").iter().map(line).collect();
        Ok(Ranking { range, lines, distinct: answers.cardinality("distinct") })
    }

    /// Products by how many events name them, with how often they were looked at, put into carts and bought.
    ///
    /// # Errors
    /// When the query or a time cannot be read, `limit` is out of bounds, or what the store answers.
    pub async fn top_products(
        &self,
        scope: &Scope,
        input: &AnalyticsInput,
        limit: usize,
    ) -> Result<Ranking<ProductLine>> {
        let (query, range) = self.selection(input)?;
        let limit = checked(limit)?;
        let query = Query::Or(vec![behaviour(), payments()]).and(query);
        // Amounts of every product there is would take more memory than a question may have: first who is on top, then what of them.
        let named = vec![
            Aggregation::terms(NAMED, NAMED_FIELDS[0], PRODUCTS_MAX),
            Aggregation::terms(LISTED, NAMED_FIELDS[1], PRODUCTS_MAX),
        ];
        let result = self.count(scope, &query, range, named).await?;
        let answers = Answers::new(&result.answers);
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (product, count) in answers.counts(NAMED).into_iter().chain(answers.counts(LISTED)) {
            *counts.entry(product).or_default() += count;
        }
        let distinct = counts.len() as u64;
        let mut ranked: Vec<(String, u64)> = counts.into_iter().collect();
        ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        ranked.truncate(limit);
        let top: Vec<&str> = ranked.iter().map(|(product, _)| product.as_str()).collect();
        let mut found =
            if top.is_empty() { BTreeMap::new() } else { self.products(scope, &query, range, &top).await? };
        let lines = top.iter().filter_map(|product| found.remove(*product)).collect();
        Ok(Ranking { range, lines, distinct })
    }

    /// What there is to say of these products.
    async fn products(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        products: &[&str],
    ) -> Result<BTreeMap<String, ProductLine>> {
        let one_of_them = |field: &str| products.iter().map(|product| Query::equals(field, *product)).collect();
        let of_them = NAMED_FIELDS.map(|field| Query::any(one_of_them(field)).unwrap_or(Query::Nothing));
        let questions = product_questions(of_them.clone()).into();
        let query = Query::Or(of_them.into()).and(query.clone());
        let result = self.count(scope, &query, range, questions).await?;
        let answers = Answers::new(&result.answers);
        // An order names its product, or lists several of them, also some that are not asked for.
        let mut lines: BTreeMap<String, ProductLine> = BTreeMap::new();
        for name in [NAMED, LISTED] {
            for bucket in answers.within(name, "all").buckets("products") {
                let found = product_line(bucket);
                match lines.entry(found.product_id.clone()) {
                    Entry::Vacant(place) => drop(place.insert(found)),
                    Entry::Occupied(mut known) => known.get_mut().add(found),
                }
            }
        }
        Ok(lines)
    }
}

/// Events that name one product, and those that list several.
const NAMED: &str = "named";
const LISTED: &str = "listed";
/// The fields in which they do.
const NAMED_FIELDS: [&str; 2] = ["product_id", "items.product_id"];

fn product_questions([named, listed]: [Query; 2]) -> [Aggregation; 2] {
    let actions = vec![
        ("views", any("action", &["view_product", "product_view"])),
        ("carts", Query::equals("action", "add_to_cart")),
    ];
    // Two names: an order of several products has all of their names, and only the one that all its orders have is its own.
    let bought = |field: &str, names: &str| {
        Aggregation::terms("products", field, PRODUCTS_MAX)
            .with(Aggregation::terms("names", names, 2))
            .with(money::question("paid", &completed_payments()))
    };
    [
        filters(NAMED, vec![("all", named)])
            .with(bought(NAMED_FIELDS[0], "product_name").with(filters("actions", actions))),
        filters(LISTED, vec![("all", listed)]).with(bought(NAMED_FIELDS[1], "items.name")),
    ]
}

fn product_line(bucket: &Bucket) -> ProductLine {
    let within = Answers::new(&bucket.children);
    let names = within.counts("names");
    let own_name = match names.as_slice() {
        [(name, _)] => Some(name.clone()),
        [(name, count), (_, next)] if count > next => Some(name.clone()),
        _ => None,
    };
    ProductLine {
        product_id: shown(&bucket.key),
        name: own_name,
        views: within.bucket_count("actions", "views"),
        carts: within.bucket_count("actions", "carts"),
        purchases: money::count(within, "paid"),
        order_amounts: money::read(within, "paid"),
    }
}

impl ProductLine {
    fn add(&mut self, other: Self) {
        self.name = self.name.take().or(other.name);
        self.views += other.views;
        self.carts += other.carts;
        self.purchases += other.purchases;
        money::add(&mut self.order_amounts, other.order_amounts);
    }
}

fn checked(limit: usize) -> Result<usize> {
    if (1..=RANKING_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Error::invalid_field("limit", format!("limit is {limit}; ask for 1 to {RANKING_MAX} lines")))
}
