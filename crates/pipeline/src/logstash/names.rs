//! Where a field of Logstash is in Vigie: under its own name, unless a stage before has put it where Vigie has it.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::stages::field_path::FieldPath;

/// What the patterns of web servers capture: in the common schema, before it, and in Vigie.
pub(super) const WEB_FIELDS: [(&str, &str, &str); 11] = [
    ("source.address", "clientip", "client_ip"),
    ("http.request.method", "verb", "method"),
    ("http.response.status_code", "response", "status_code"),
    ("http.response.body.bytes", "bytes", "bytes_sent"),
    ("http.request.referrer", "referrer", "referrer"),
    ("http.version", "httpversion", "http_version"),
    ("url.original", "request", "url.original"),
    ("user_agent.original", "agent", "user_agent.original"),
    ("apache.access.user.identity", "ident", "apache.access.user.identity"),
    ("user.name", "auth", "user.name"),
    ("timestamp", "timestamp", "timestamp"),
];

/// What `geoip` finds, below its target, and what Vigie calls it below `geo`.
pub(super) const PLACE_FIELDS: [(&str, &str); 17] = [
    ("country_code2", "country"),
    ("country_iso_code", "country"),
    ("geo.country_iso_code", "country"),
    ("country_name", "country_name"),
    ("geo.country_name", "country_name"),
    ("region_name", "region"),
    ("region_code", "region"),
    ("geo.region_name", "region"),
    ("city_name", "city"),
    ("geo.city_name", "city"),
    ("location", "location"),
    ("geo.location", "location"),
    ("asn", "asn"),
    ("as.number", "asn"),
    ("as_org", "as_org"),
    ("as.organization.name", "as_org"),
    ("geo", ""),
];

/// What `useragent` finds, below its target, and what Vigie calls it below `user_agent`.
pub(super) const AGENT_FIELDS: [(&str, &str); 9] = [
    ("name", "name"),
    ("version", "version"),
    ("os", "os"),
    ("os_name", "os"),
    ("os_full", "os"),
    ("os.name", "os"),
    ("os.full", "os"),
    ("device", "device"),
    ("device.name", "device"),
];

/// Fields that are elsewhere than Logstash has them.
#[derive(Debug, Default)]
pub(super) struct Names {
    moved: HashMap<String, String, FixedState>,
}

impl Names {
    /// From here on, what was at one place is at another.
    pub(super) fn move_field(&mut self, from: &str, to: &str) {
        if from != to {
            self.moved.insert(from.to_owned(), to.to_owned());
        }
    }

    /// From here on, these fields below one place are at another; the place itself too.
    pub(super) fn move_below(&mut self, from: &str, to: &str, fields: &[(&str, &str)]) {
        for (inner, name) in fields {
            let place = if name.is_empty() { to.to_owned() } else { format!("{to}.{name}") };
            self.move_field(&format!("{from}.{inner}"), &place);
        }
        self.move_field(from, to);
    }

    /// Where the field is; the longest part of its name that has moved counts.
    pub(super) fn place(&self, dotted: &str) -> String {
        if let Some(to) = self.moved.get(dotted) {
            return to.clone();
        }
        for (dot, _) in dotted.rmatch_indices('.') {
            if let Some(to) = self.moved.get(&dotted[..dot]) {
                return format!("{to}{}", &dotted[dot..]);
            }
        }
        dotted.to_owned()
    }

    /// Where the field `a`, `[a][b]` or `a.b` is.
    ///
    /// # Errors
    /// In words, when it names no field.
    pub(super) fn field(&self, written: &str) -> Result<String, String> {
        let path = FieldPath::parse(written.trim())?;
        let place = self.place(path.as_str());
        FieldPath::parse(&place).map(|path| path.as_str().to_owned())
    }

    /// The text with the fields of `%{…}` where they are; those that are none stay as they are written.
    pub(super) fn template(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(start) = rest.find("%{") {
            let Some(length) = rest[start..].find('}') else { break };
            let name = &rest[start + 2..start + length];
            out.push_str(&rest[..start]);
            match self.field(name) {
                Ok(place) if !name.starts_with('+') => out.push_str(&format!("%{{{place}}}")),
                _ => out.push_str(&rest[start..=start + length]),
            }
            rest = &rest[start + length + 1..];
        }
        out + rest
    }

    /// A pattern of grok with the fields of its captures where they are.
    pub(super) fn captures(&self, pattern: &str) -> String {
        let (mut out, mut rest) = (String::new(), pattern);
        loop {
            let reference = rest.find("%{").map(|at| (at, '}'));
            let group = group_name(rest).map(|at| (at, '>'));
            let Some((start, close)) = reference.into_iter().chain(group).min_by_key(|(at, _)| *at) else { break };
            let Some(length) = rest[start..].find(close) else { break };
            let (before, piece) = (&rest[..start], &rest[start..=start + length]);
            out.push_str(before);
            out.push_str(&self.capture(piece).unwrap_or_else(|| piece.to_owned()));
            rest = &rest[start + length + 1..];
        }
        out + rest
    }

    /// `%{NAME:field:type}` or `(?<field>` with its field where it is; `None` when it has none.
    fn capture(&self, piece: &str) -> Option<String> {
        if let Some(name) = piece.strip_prefix("(?<").and_then(|rest| rest.strip_suffix('>')) {
            return self.field(name).ok().map(|at| format!("(?<{at}>"));
        }
        let inner = piece.strip_prefix("%{")?.strip_suffix('}')?;
        let (name, rest) = inner.split_once(':')?;
        let (field, kind) = rest.split_once(':').map_or((rest, None), |(field, kind)| (field, Some(kind)));
        let at = self.field(field).ok()?;
        Some(kind.map_or_else(|| format!("%{{{name}:{at}}}"), |kind| format!("%{{{name}:{at}:{kind}}}")))
    }
}

/// Whether a field may be a single item of a list: a number below another name, counted from the beginning or, below 0,
/// from the end. Queries do not know such; stages do.
pub(super) fn is_item(field: &str) -> bool {
    field.split('.').skip(1).any(|name| {
        let digits = name.strip_prefix('-').unwrap_or(name);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Where the first group with a name begins; what looks behind begins alike and has none.
fn group_name(pattern: &str) -> Option<usize> {
    let groups = pattern.match_indices("(?<");
    groups.map(|(at, _)| at).find(|at| !pattern[at + 3..].starts_with(['=', '!']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        names.move_field("clientip", "client_ip");
        names.move_below("geoip", "geo", &PLACE_FIELDS);
        names
    }

    #[test]
    fn fields_are_found_where_they_were_put() {
        let check =
            |written: &str, expected: &str| assert_eq!(names().field(written).as_deref(), Ok(expected), "{written}");
        check("clientip", "client_ip");
        check("[clientip]", "client_ip");
        check("[geoip][country_code2]", "geo.country");
        check("[geoip][location][lat]", "geo.location.lat");
        check("[geoip]", "geo");
        check("[a][b]", "a.b");
        assert!(names().field("[a").is_err());
        check("[a][0]", "a.0");
        check("[a][-1][b]", "a.-1.b");
        check("404", "404");
        assert!(names().field("").is_err());
    }

    #[test]
    fn items_of_lists_are_told() {
        assert!(is_item("tags.0") && is_item("a.-1.b"));
        assert!(!is_item("tags.x0") && !is_item("0") && !is_item("a.-"));
    }

    #[test]
    fn texts_and_patterns_follow() {
        assert_eq!(
            names().template("%{clientip} of %{[a][b]}, %{+YYYY} %{open"),
            "%{client_ip} of %{a.b}, %{+YYYY} %{open"
        );
        let pattern = r"%{IP:clientip} (?<n>\d+) (?<=x) %{NUMBER:[a][b]:int} %{WORD} (?<clientip>x";
        let expected = r"%{IP:client_ip} (?<n>\d+) (?<=x) %{NUMBER:a.b:int} %{WORD} (?<client_ip>x";
        assert_eq!(names().captures(pattern), expected);
    }
}
