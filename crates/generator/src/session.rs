//! One visit: who comes, what they do when, and the events of each step as it happens.
//! Not the order among visits (stream). Invariant: a step's events lie at or after the step's own time.

use vigie_domain::time::Timestamp;

use crate::GeneratedEvent;
use crate::countries::Country;
use crate::dice::Dice;
use crate::incidents::DayPlan;
use crate::line::{Correlation, Head, Line, Service};
use crate::visitors::{Card, Visitor};
use crate::{errors, operations, payments, requests};

/// Where an order comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Web,
    Marketplace,
    Subscription,
    App,
}

/// How much an order is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// What lies in the basket.
    Basket,
    /// So many cents, whatever the basket says.
    Cents(u64),
}

/// How a payment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As it comes: completed for the most part.
    Usual,
    Declined,
    Completed,
    Refunded,
}

/// One thing that happens in a visit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Page(&'static str),
    Search(u16),
    View(u16),
    AddToCart(u16),
    RemoveFromCart,
    Abandon,
    CheckoutStart,
    Checkout,
    Pay(Channel, Size, Outcome),
    Coupon(&'static str),
    Ship,
    Register,
    Login,
    LoginFailed,
    Logout,
    ChangePassword,
    ChangeAddress,
    Crawl(u16),
    JobFailure,
    Pulse,
    DeploymentStart,
    DeploymentEnd,
    /// The steps below change the visitor and leave no event.
    NewCard,
    NewDevice,
    NewAccount,
    MoveTo(&'static Country),
    ShipTo(&'static Country),
}

/// What happens when, in milliseconds since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) steps: Vec<(u32, Step)>,
    at_ms: u32,
}

impl Script {
    /// One more step, after a pause.
    pub(crate) fn then(&mut self, pause_ms: u64, step: Step) {
        self.at_ms = self.at_ms.saturating_add(u32::try_from(pause_ms).unwrap_or(u32::MAX));
        self.steps.push((self.at_ms, step));
    }

    /// One more step at the same time as the last.
    pub(crate) fn also(&mut self, step: Step) {
        self.steps.push((self.at_ms, step));
    }
}

/// A visit under way.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) dice: Dice,
    pub(crate) visitor: Visitor,
    pub(crate) session_id: Option<String>,
    pub(crate) attack: Option<&'static str>,
    /// Product numbers and quantities.
    pub(crate) basket: Vec<(u16, u64)>,
    pub(crate) coupon: Option<&'static str>,
    pub(crate) order_id: Option<String>,
    start: Timestamp,
    steps: Vec<(u32, Step)>,
    next: usize,
}

/// Where and when a step is rendered.
pub(crate) struct Scene<'a> {
    pub(crate) plan: &'a DayPlan,
    pub(crate) at: Timestamp,
    pub(crate) out: &'a mut Vec<GeneratedEvent>,
}

impl Scene<'_> {
    /// So many milliseconds after the step's time.
    pub(crate) fn after_ms(&self, millis: f64) -> Timestamp {
        self.at.saturating_add_nanos(millis.max(0.0) as i64 * 1_000_000)
    }
}

/// How an event of a session begins, beside its service and time.
pub(crate) struct Opening<'a> {
    pub(crate) service: Service,
    pub(crate) at: Timestamp,
    pub(crate) log_type: &'static str,
    pub(crate) level: &'static str,
    pub(crate) message: &'a str,
}

impl Session {
    /// A visit that begins at `start`.
    pub(crate) fn new(mut dice: Dice, visitor: Visitor, start: Timestamp, script: Script) -> Self {
        let session_id = Some(format!("s-{}", dice.hex(20)));
        Self {
            dice,
            visitor,
            session_id,
            attack: None,
            basket: Vec::new(),
            coupon: None,
            order_id: None,
            start,
            steps: script.steps,
            next: 0,
        }
    }

    /// When the next step is due; `None` once all are done.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let (offset, _) = self.steps.get(self.next)?;
        Some(self.start.saturating_add_nanos(i64::from(*offset) * 1_000_000))
    }

    /// Does the next step and puts its events into `out`.
    pub(crate) fn advance(&mut self, plan: &DayPlan, out: &mut Vec<GeneratedEvent>) {
        let (Some(at), Some(&(_, step))) = (self.due(), self.steps.get(self.next)) else { return };
        self.next += 1;
        let mut scene = Scene { plan, at, out };
        match step {
            Step::Pay(channel, size, outcome) => payments::pay(self, &mut scene, (channel, size, outcome)),
            Step::Ship => payments::ship(self, &mut scene),
            Step::JobFailure => errors::job_failure(self, &mut scene),
            Step::Pulse => operations::pulse(self, &mut scene),
            Step::DeploymentStart => operations::deployment(self, &mut scene, true),
            Step::DeploymentEnd => operations::deployment(self, &mut scene, false),
            Step::NewCard => self.visitor.card = Card::issued_in(self.visitor.country, &mut self.dice),
            Step::NewDevice => self.visitor.device_id = format!("d-{}", self.dice.hex(16)),
            Step::NewAccount => {
                self.visitor.register(&mut self.dice, at);
                self.visitor.email_hash = self.dice.hex(40);
                self.session_id = Some(format!("s-{}", self.dice.hex(20)));
            }
            Step::MoveTo(country) => {
                self.visitor.country = country;
                self.visitor.city = *self.dice.pick(country.cities);
                self.visitor.address = country.address(&mut self.dice);
            }
            Step::ShipTo(country) => self.visitor.shipping = country.code,
            other => requests::act(self, &mut scene, other),
        }
    }

    /// The identifiers of a new request.
    pub(crate) fn correlation(&mut self) -> Correlation {
        Correlation {
            trace_id: self.dice.hex(32),
            request_id: format!("req-{}", self.dice.hex(12)),
            session_id: self.session_id.clone(),
            user_id: self.visitor.user_id.clone(),
        }
    }

    /// Opens a line with what every event has.
    pub(crate) fn open(&mut self, plan: &DayPlan, opening: &Opening<'_>) -> Line {
        Line::open(&Head {
            at: opening.at,
            service: opening.service,
            log_type: opening.log_type,
            level: opening.level,
            message: opening.message,
            host: self.dice.below(3),
            version: &plan.version(opening.service, opening.at),
        })
    }

    /// Marks a line as part of this session's attack, if it is one, and puts it out.
    pub(crate) fn put(&self, scene: &mut Scene<'_>, mut line: Line) {
        if let Some(attack) = self.attack {
            line.label(attack);
        }
        scene.out.push(line.close());
    }
}
