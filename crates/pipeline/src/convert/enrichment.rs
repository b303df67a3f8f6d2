//! What every event gets unless its pipeline says otherwise: the place of its client, the browser of its header.

use std::sync::LazyLock;

use vigie_domain::mapping::FIELD_ALIASES;
use vigie_domain::{Object, Value};

use super::known::bit;
use super::survey::Survey;
use crate::enrich::put_below;
use crate::parse::Draft;
use crate::stages::Pipeline;
use crate::stages::field_path::find;
use crate::tag;

const ADDRESS: &str = "client_ip";
const HEADER: &str = "user_agent.original";
/// Where the common schema has an address or a host name.
pub(super) const ADDRESS_OR_NAME: &str = "source.address";

/// Where the place of a client is put.
pub(super) const PLACE: &str = "geo";
/// Where its browser is put.
pub(super) const AGENT: &str = "user_agent";

/// The fields that decide, each by its bit.
pub(super) struct Bits {
    pub(super) address: u128,
    pub(super) header: u128,
    pub(super) country: u128,
    pub(super) browser: u128,
}

pub(super) static BITS: LazyLock<Bits> = LazyLock::new(|| Bits {
    address: bit(ADDRESS),
    header: bit(HEADER),
    country: bit("geo.country"),
    browser: bit("user_agent.name"),
});

/// Adds what the pipeline wants to be added.
pub(super) fn enrich(draft: &mut Draft, survey: &Survey, pipeline: &Pipeline) {
    let has = |bit: u128| survey.seen & bit != 0;
    if pipeline.adds_agent && has(BITS.header) && !has(BITS.browser) {
        let header = text(&draft.body, survey, BITS.header, HEADER);
        if let Some(fields) = header.map(|header| pipeline.lookups.agent_fields(header)) {
            put_below(&mut draft.body, AGENT, fields);
        }
    }
    if pipeline.adds_place && !has(BITS.country) {
        let address = match has(BITS.address) {
            true => text(&draft.body, survey, BITS.address, ADDRESS),
            false => find(&draft.body, ADDRESS_OR_NAME).and_then(Value::as_text),
        };
        // What is no address was tagged by its kind, or is a host name.
        let Some(address) = address.and_then(|address| address.parse().ok()) else { return };
        match pipeline.lookups.place_fields(address) {
            Some(fields) => put_below(&mut draft.body, PLACE, fields),
            None => draft.tag(tag::GEOIP_LOOKUP_FAILURE),
        }
    }
}

/// The text of a field that was seen: at the top, where the survey knows it, else within objects.
fn text<'b>(body: &'b Object, survey: &Survey, bit: u128, canonical: &str) -> Option<&'b str> {
    let tops = survey.tops.iter().zip(body);
    let at_top =
        tops.filter(|(top, _)| top.is_some_and(|top| top.bit == bit)).find_map(|(_, (_, value))| value.as_text());
    at_top.or_else(|| {
        let aliases = FIELD_ALIASES.iter().filter(|(name, _)| *name == canonical).flat_map(|(_, aliases)| *aliases);
        std::iter::once(&canonical)
            .chain(aliases)
            .filter(|name| name.contains('.'))
            .find_map(|name| find(body, name)?.as_text())
    })
}
