//! Fields that every event may have.

use super::FieldKind::{Bool, Int, Ip, Keyword, Text};
use super::{FieldDef, field};

pub(super) const FIELDS: &[FieldDef] = &[
    field("level", Keyword),
    field("level_original", Keyword),
    field("service", Keyword),
    field("host", Keyword),
    field("environment", Keyword),
    field("message", Text),
    field("trace_id", Keyword),
    field("span_id", Keyword),
    field("request_id", Keyword),
    field("session_id", Keyword),
    field("user_id", Keyword),
    field("client_ip", Ip),
    field("geo.country", Keyword),
    field("geo.country_name", Keyword),
    field("geo.region", Keyword),
    field("geo.city", Keyword),
    field("geo.asn", Int),
    field("geo.as_org", Keyword),
    field("user_agent.original", Keyword),
    field("user_agent.name", Keyword),
    field("user_agent.version", Keyword),
    field("user_agent.os", Keyword),
    field("user_agent.device", Keyword),
    field("user_agent.is_bot", Bool),
    field("tags", Keyword),
];
