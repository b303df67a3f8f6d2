//! What the operators' tools send: deployments and the pulse of every host.
//! Not caused by visitors. Invariant: none of it is ever labelled as an attack.

use crate::line::SERVICES;
use crate::session::{Opening, Scene, Session};

/// The start or the end of a deployment.
pub(crate) fn deployment(session: &mut Session, scene: &mut Scene<'_>, starts: bool) {
    let service = scene.plan.deployed;
    let version = scene.plan.version(service, scene.plan.deployment.from);
    let (what, action) = if starts { ("starts", "deployment_started") } else { ("is live", "deployment") };
    let message = format!("deployment of {} {version} {what} on 3 hosts", service.name());
    let opening = Opening { service, at: scene.at, log_type: "other", level: "INFO", message: &message };
    let mut line = session.open(scene.plan, &opening);
    line.text("event_action", action);
    line.text("deployment_id", &format!("dep-{}", session.dice.hex(10)));
    line.text("deployed_service", service.name());
    line.text("deployed_version", &version);
    line.text("deployed_by", "release-bot");
    session.put(scene, line);
}

/// How busy one host is.
pub(crate) fn pulse(session: &mut Session, scene: &mut Scene<'_>) {
    let service = *session.dice.pick(&SERVICES);
    let slow = scene.plan.slowness(service, scene.at) > 1.0 || scene.plan.is_failing(service, scene.at);
    let cpu = session.dice.skewed(if slow { 78.0 } else { 31.0 }, 0.35).min(100.0);
    let memory = session.dice.skewed(1_450.0, 0.2);
    let answer_ms = session.dice.skewed(4.0, 0.5);
    let level = if cpu > 90.0 { "WARN" } else { "INFO" };
    let message = format!("{} uses {cpu:.0} % of its processor and {memory:.0} MB", service.name());
    let opening = Opening { service, at: scene.at, log_type: "performance", level, message: &message };
    let mut line = session.open(scene.plan, &opening);
    line.text("endpoint", "/health");
    line.text("method", "GET");
    line.int("status_code", 200);
    line.tenths("response_time_ms", answer_ms);
    line.tenths("cpu_percent", cpu);
    line.tenths("memory_mb", memory);
    session.put(scene, line);
}
