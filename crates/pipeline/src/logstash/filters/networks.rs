//! `cidr`: what is done to events whose address is within a network.

use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::query::{Query, parse};

use super::{Plan, Success};
use crate::logstash::attributes::Attributes;
use crate::logstash::names::is_item;
use crate::logstash::question::or;
use crate::logstash::stage::{Planned, Touched};
use crate::logstash::translate::Translator;

pub(super) fn cidr(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let (addresses, networks) = (attributes.texts("address"), attributes.texts("network"));
    for silent in ["separator", "refresh_interval"] {
        attributes.values(silent);
    }
    if attributes.has("network_path") {
        attributes.values("network_path");
        let reason = "a file of networks is not read; write them as network => [ … ]";
        translator.report.left(attributes.place_of("network_path"), Some("network_path"), reason);
        return None;
    }
    let mut within = Query::Nothing;
    for address in &addresses {
        let field = address.strip_prefix("%{").and_then(|rest| rest.strip_suffix('}'));
        let field = field.filter(|field| !field.contains("%{")).and_then(|field| translator.names.field(field).ok());
        let Some(field) = field.filter(|field| !is_item(field)) else {
            let reason = format!("{address:?} is no field by itself; write \"%{{client_ip}}\"");
            translator.report.left(attributes.place_of("address"), Some("address"), reason);
            continue;
        };
        let field = mapping::canonical(&field).to_owned();
        if mapping::kind_of(&field) != Some(FieldKind::Ip) {
            let reason = format!(
                "{field} is no field of addresses here; rename it to client_ip, or to another that is, before this"
            );
            translator.report.left(attributes.place_of("address"), Some("address"), reason);
            continue;
        }
        for network in &networks {
            match is_within(&field, network) {
                Some(query) => within = or(within, query),
                None => {
                    let reason = format!("{network:?} is no network; write \"10.0.0.0/8\"");
                    translator.report.left(attributes.place_of("network"), Some("network"), reason);
                }
            }
        }
    }
    if addresses.is_empty() || networks.is_empty() {
        let reason = "nothing is asked; write address => [\"%{client_ip}\"] and network => [\"10.0.0.0/8\"]";
        translator.report.left(attributes.at(), None, reason);
    }
    if within == Query::Nothing {
        return None;
    }
    let mut stage = Planned::new(attributes.at().place, "cidr", "tag", Touched::Fields(Vec::new()));
    stage.when = within;
    Some(Plan::of(vec![stage], Success::First))
}

/// The query for an address in a network; one address is a network too.
fn is_within(field: &str, network: &str) -> Option<Query> {
    let is_network = |text: &str| {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        address.parse::<std::net::IpAddr>().is_ok() && bits.is_none_or(|bits| bits.parse::<u8>().is_ok())
    };
    let network = network.trim();
    if !is_network(network) {
        return None;
    }
    parse(&format!("{field}:{network}")).ok()
}
