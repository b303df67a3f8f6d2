//! `geoip` and `user_agent`: what an address and a header tell, put where the pipeline says.

use std::sync::Arc;

use vigie_domain::{Event, Object};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::{Memory, Outcome, Stage};
use crate::enrich::{Lookups, put_below};
use crate::tag;

#[derive(Debug)]
struct GeoIp {
    field: FieldPath,
    target: FieldPath,
    lookups: Arc<Lookups>,
}

pub(super) fn geoip(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let (field, target) = (options.field_or("field", "client_ip")?, options.field_or("target", "geo")?);
    Ok(Box::new(GeoIp { field, target, lookups: options.lookups() }))
}

impl Stage for GeoIp {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let Some(address) = self.field.text(&event.body) else { return Outcome::Idle };
        match address.trim().parse().ok().and_then(|address| self.lookups.place_fields(address)) {
            Some(fields) => {
                put(event, &self.target, fields);
                Outcome::Keep
            }
            None => Outcome::Failed,
        }
    }

    fn failure_tag(&self) -> &'static str {
        tag::GEOIP_LOOKUP_FAILURE
    }
}

#[derive(Debug)]
struct UserAgent {
    field: FieldPath,
    target: FieldPath,
    lookups: Arc<Lookups>,
}

pub(super) fn user_agent(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let (field, target) = (options.field_or("field", "user_agent")?, options.field_or("target", "user_agent")?);
    Ok(Box::new(UserAgent { field, target, lookups: options.lookups() }))
}

impl Stage for UserAgent {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let Some(header) = self.field.text(&event.body) else { return Outcome::Idle };
        let fields = self.lookups.agent_fields(header);
        put(event, &self.target, fields);
        Outcome::Keep
    }
}

/// Puts fields below a name that may itself lie within objects.
pub(super) fn put(event: &mut Event, target: &FieldPath, fields: Object) {
    if !target.as_str().contains('.') {
        put_below(&mut event.body, target.as_str(), fields);
        return;
    }
    for (name, value) in fields {
        if let Ok(path) = target.child(&name) {
            path.put(&mut event.body, value);
        }
    }
}
