//! Everything that is remembered of a shop's payments, logins and visits.

use std::collections::BTreeMap;

use vigie_domain::Timestamp;
use vigie_domain::fraud::features::{
    Bounds, History, LATENESS_NANOS_MAX, Occurrence, SnapshotError, Totals, Window, Windows,
};

use super::activity::{Activity, ActivityKind};
use super::field::Field;
use super::key::Key;
use super::known::KnownPayments;
use super::needs::tracks_of;
use super::track::{Keys, TRACKS, Track};

/// What a snapshot begins with: its version.
const SNAPSHOT_VERSION: u64 = 1;

/// Where payments are remembered, by instant and id.
type Recent = BTreeMap<(Timestamp, u64), Vec<(Track, Key)>>;

/// What became of an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is remembered; of a payment nothing was known before.
    New,
    /// Of a payment that was known: its state may have changed.
    Known,
    /// It is older than may be; nothing changed.
    TooLate,
}

/// The pasts of all buyers, cards, devices, addresses, merchants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopHistory {
    tracks: Vec<Windows>,
    payments: KnownPayments,
    /// Where the payments are remembered that an event may still come before, by what orders them.
    recent: Recent,
    newest_at: Timestamp,
    /// Whether each track is remembered.
    is_kept: [bool; TRACKS.len()],
}

impl ShopHistory {
    /// Without any past.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            tracks: TRACKS.iter().map(|_| Windows::new(bounds)).collect(),
            payments: KnownPayments::new(bounds.keys_max),
            recent: BTreeMap::new(),
            newest_at: Timestamp::MIN,
            is_kept: [true; TRACKS.len()],
        }
    }

    /// Without any past, and remembering only what these signals are told from; the others are as if nothing had happened before.
    pub fn for_signals(bounds: Bounds, signals: impl IntoIterator<Item = usize>) -> Self {
        let mut is_kept = [false; TRACKS.len()];
        for track in signals.into_iter().flat_map(tracks_of) {
            is_kept[*track as usize] = true;
        }
        Self { is_kept, ..Self::new(bounds) }
    }

    /// Puts an activity in its place.
    pub fn arrive(&mut self, activity: &Activity<'_>) -> Arrival {
        if activity.at < self.newest_at.saturating_add_nanos(-LATENESS_NANOS_MAX) {
            return Arrival::TooLate;
        }
        // A clock that is ahead must not make everybody else late.
        self.newest_at = self.newest_at.max(activity.at.min(activity.received_at));
        self.forget_settled();
        let (id, keys) = (id_of(activity), Keys::of(activity));
        if !activity.is_transaction() {
            self.put(activity, &keys, id);
            return Arrival::New;
        }
        let is_refund = activity.kind == ActivityKind::Refund;
        let is_paid_before = is_refund && self.payments.at(payment_id(activity)).is_some();
        let known_at = self.payments.note(id, activity.at);
        match known_at {
            Some(before) if activity.at < before => {
                // What is told of a payment first counts, also when it comes last.
                self.take_out(before, id);
                self.put(activity, &keys, id);
            }
            Some(_) => {}
            None => self.put(activity, &keys, id),
        }
        if activity.is_declined() {
            let occurrence = occurrence(activity, id);
            keys.for_each_decline(|track, key, item| {
                if self.is_kept[track as usize] {
                    self.tracks[track as usize].place(key.0, Occurrence { item: item.0, ..occurrence });
                }
            });
        }
        if known_at.is_some() || is_paid_before { Arrival::Known } else { Arrival::New }
    }

    fn put(&mut self, activity: &Activity<'_>, keys: &Keys, id: u64) {
        let occurrence = occurrence(activity, id);
        let mut places = Vec::new();
        keys.for_each(activity, |track, key, item| {
            if self.is_kept[track as usize] {
                self.tracks[track as usize].place(key.0, Occurrence { item: item.0, ..occurrence });
                places.push((track, key));
            }
        });
        if activity.is_transaction() {
            self.recent.insert((activity.at, id), places);
        }
    }

    fn take_out(&mut self, at: Timestamp, id: u64) {
        for (track, key) in self.recent.remove(&(at, id)).unwrap_or_default() {
            self.tracks[track as usize].remove(key.0, at, id);
        }
    }

    /// Forgets where payments are that nothing can come before any more.
    fn forget_settled(&mut self) {
        let settled_before = self.newest_at.saturating_add_nanos(-LATENESS_NANOS_MAX);
        while let Some(first) = self.recent.first_entry()
            && first.key().0 < settled_before
        {
            first.remove();
        }
    }

    /// Notes that a payment was fraud; false when that was known, or the payment is not.
    pub fn mark_fraud(&mut self, activity: &Activity<'_>) -> bool {
        let (id, keys) = (id_of(activity), Keys::of(activity));
        let Some(at) = self.payments.at(id) else { return false };
        let buyer = keys.buyer.and_then(|key| self.history(Track::BuyerPayments, key));
        let is_usual = buyer.is_none_or(|history| history.is_usual(at, id));
        let mut is_new = false;
        keys.for_each(activity, |track, key, _| {
            is_new |= self.tracks[track as usize].mark_fraud(key.0, (at, id), is_usual);
        });
        is_new
    }

    /// Takes back that a payment was fraud; false when nobody said so.
    pub fn clear_fraud(&mut self, activity: &Activity<'_>) -> bool {
        let (id, keys) = (id_of(activity), Keys::of(activity));
        let Some(at) = self.payments.at(id) else { return false };
        let mut is_cleared = false;
        keys.for_each(activity, |track, key, _| {
            is_cleared |= self.tracks[track as usize].clear_fraud(key.0, (at, id));
        });
        is_cleared
    }

    /// The history of a key on a track.
    pub(super) fn history(&self, track: Track, key: Key) -> Option<&History> {
        self.tracks[track as usize].history(key.0)
    }

    /// Totals of a window that ends at `at`; none without a key.
    pub(super) fn totals(&self, track: Track, key: Option<Key>, (window, at): (Window, Timestamp)) -> Totals {
        let history = key.and_then(|key| self.history(track, key));
        history.map(|history| history.window(window, at).totals).unwrap_or_default()
    }

    /// The time of the newest activity, as far as it had come when it was accepted.
    pub const fn newest_at(&self) -> Timestamp {
        self.newest_at
    }

    /// Appends the state.
    pub fn write_snapshot(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
        out.extend_from_slice(&Key::fingerprint().to_le_bytes());
        out.extend_from_slice(&self.newest_at.as_nanos().to_le_bytes());
        self.tracks.iter().for_each(|windows| windows.write_snapshot(out));
        self.payments.write_snapshot(out);
        write_recent(out, &self.recent);
    }

    /// Reads a state from the front of `bytes`.
    ///
    /// # Errors
    /// When the bytes are not what [`Self::write_snapshot`] writes, or of a build whose keys differ.
    pub fn read_snapshot(bytes: &mut &[u8], bounds: Bounds) -> Result<Self, SnapshotError> {
        let version = read_u64(bytes)?;
        let fingerprint = read_u64(bytes)?;
        if version != SNAPSHOT_VERSION || fingerprint != Key::fingerprint() {
            return Err(SnapshotError { left: bytes.len() });
        }
        let newest_at = Timestamp::from_nanos(read_u64(bytes)?.cast_signed());
        let tracks = TRACKS.iter().map(|_| Windows::read_snapshot(bytes, bounds)).collect::<Result<_, _>>()?;
        let payments = KnownPayments::read_snapshot(bytes, bounds.keys_max)?;
        Ok(Self { tracks, payments, recent: read_recent(bytes)?, newest_at, is_kept: [true; TRACKS.len()] })
    }
}

fn write_recent(out: &mut Vec<u8>, recent: &Recent) {
    out.extend_from_slice(&(recent.len() as u64).to_le_bytes());
    for ((at, id), places) in recent {
        out.extend_from_slice(&at.as_nanos().to_le_bytes());
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&(places.len() as u64).to_le_bytes());
        for (track, key) in places {
            out.extend_from_slice(&(*track as u64).to_le_bytes());
            out.extend_from_slice(&key.0.to_le_bytes());
        }
    }
}

fn read_recent(bytes: &mut &[u8]) -> Result<Recent, SnapshotError> {
    let mut recent = BTreeMap::new();
    for _ in 0..read_u64(bytes)? {
        let at = Timestamp::from_nanos(read_u64(bytes)?.cast_signed());
        let id = read_u64(bytes)?;
        let mut places = Vec::new();
        for _ in 0..read_u64(bytes)? {
            let number = read_u64(bytes)?;
            let track = usize::try_from(number).ok().and_then(|number| TRACKS.get(number).copied());
            places.push((track.ok_or(SnapshotError { left: bytes.len() })?, Key(read_u64(bytes)?)));
        }
        recent.insert((at, id), places);
    }
    Ok(recent)
}

fn occurrence(activity: &Activity<'_>, id: u64) -> Occurrence {
    Occurrence { at: activity.at, id, amount: activity.amount, item: 0 }
}

/// What a payment is remembered by.
fn payment_id(activity: &Activity<'_>) -> u64 {
    Key::of(&["payment", activity.text(Field::TransactionId).unwrap_or_default()]).0
}

/// What tells an activity from others of its instant: the name of a payment or of a refund, else what was done by whom.
pub(super) fn id_of(activity: &Activity<'_>) -> u64 {
    let text = |field: Field| activity.text(field).unwrap_or_default();
    match activity.kind {
        ActivityKind::Payment => payment_id(activity),
        ActivityKind::Refund => Key::of(&["refund", text(Field::TransactionId)]).0,
        ActivityKind::Login | ActivityKind::LoginFailed | ActivityKind::AccountChange | ActivityKind::PageView => {
            Key::of(&[text(Field::Action), text(Field::User), text(Field::Device), text(Field::ClientIp)]).0
        }
    }
}

pub(super) fn read_u64(bytes: &mut &[u8]) -> Result<u64, SnapshotError> {
    let (first, rest) = bytes.split_first_chunk().ok_or(SnapshotError { left: bytes.len() })?;
    *bytes = rest;
    Ok(u64::from_le_bytes(*first))
}
