//! Everything that is remembered of a shop's payments, logins and visits.

use std::collections::VecDeque;

use vigie_domain::Timestamp;
use vigie_domain::fraud::features::{Bounds, History, LATENESS_NANOS_MAX, Occurrence, SnapshotError, Windows};

use super::activity::{Activity, ActivityKind};
use super::key::Key;
use super::known::KnownPayments;
use super::look::Look;
use super::signals::SIGNALS;
use super::track::{TRACKS, Track};
use crate::cel::Slot;

/// What a snapshot begins with: its version.
const SNAPSHOT_VERSION: u64 = 1;

/// Where a payment is remembered that an event may still come before.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Placed {
    at: Timestamp,
    id: u64,
    places: Vec<(Track, Key)>,
}

impl Placed {
    fn order(&self) -> (Timestamp, u64) {
        (self.at, self.id)
    }
}

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
    /// The payments that an event may still come before, by instant and id.
    recent: VecDeque<Placed>,
    /// Room for the places of the next payment: those of one that is forgotten.
    spare: Vec<(Track, Key)>,
    newest_at: Timestamp,
    /// Whether each track is remembered.
    is_kept: [bool; TRACKS.len()],
    /// Signals that are told, by place in [`SIGNALS`].
    told: Vec<usize>,
}

impl ShopHistory {
    /// Without any past.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            tracks: TRACKS.iter().map(|_| Windows::new(bounds)).collect(),
            payments: KnownPayments::new(bounds.keys_max),
            recent: VecDeque::new(),
            spare: Vec::new(),
            newest_at: Timestamp::MIN,
            is_kept: [true; TRACKS.len()],
            told: (0..SIGNALS.len()).collect(),
        }
    }

    /// Without any past, and remembering only what these signals, by place in [`SIGNALS`], are told from; the others are missing.
    pub fn for_signals(bounds: Bounds, signals: impl IntoIterator<Item = usize>) -> Self {
        let mut told: Vec<usize> = signals.into_iter().filter(|place| *place < SIGNALS.len()).collect();
        told.sort_unstable();
        told.dedup();
        let mut is_kept = [false; TRACKS.len()];
        for track in told.iter().flat_map(|place| SIGNALS[*place].tracks()) {
            is_kept[track as usize] = true;
        }
        Self { is_kept, told, ..Self::new(bounds) }
    }

    /// The signals of a payment that has arrived, in the order of [`SIGNALS`].
    pub fn signals<'a>(&'a self, activity: &'a Activity<'a>) -> Vec<Slot<'a>> {
        let look = Look::new(self, activity);
        let mut values = vec![Slot::Missing; SIGNALS.len()];
        for place in &self.told {
            values[*place] = look.tell(SIGNALS[*place].how);
        }
        values
    }

    /// Puts an activity in its place.
    pub fn arrive(&mut self, activity: &Activity<'_>) -> Arrival {
        if activity.at < self.newest_at.saturating_add_nanos(-LATENESS_NANOS_MAX) {
            return Arrival::TooLate;
        }
        // A clock that is ahead must not make everybody else late.
        self.newest_at = self.newest_at.max(activity.at.min(activity.received_at));
        self.forget_settled();
        if !activity.is_transaction() {
            self.put(activity);
            return Arrival::New;
        }
        let keys = &activity.keys;
        let is_refund = activity.kind == ActivityKind::Refund;
        let is_paid_before = is_refund && self.payments.at(keys.payment).is_some();
        let known_at = self.payments.note(keys.id, activity.at);
        match known_at {
            Some(before) if activity.at < before => {
                // What is told of a payment first counts, also when it comes last.
                self.take_out(before, keys.id);
                self.put(activity);
            }
            Some(_) => {}
            None => self.put(activity),
        }
        if activity.is_declined() {
            let occurrence = occurrence(activity);
            keys.for_each_decline(|track, key, item| {
                if self.is_kept[track as usize] {
                    self.tracks[track as usize].place(key.0, Occurrence { item: item.0, ..occurrence });
                }
            });
        }
        if known_at.is_some() || is_paid_before { Arrival::Known } else { Arrival::New }
    }

    /// Looks at the end of every past that activities to come change. Each lies elsewhere, in no cache of the processor: of several activities
    /// it waits for all at once.
    pub(super) fn approach_all<'a>(&self, next: impl Iterator<Item = &'a Activity<'a>>) {
        let mut newest = None;
        for activity in next {
            if activity.is_transaction() {
                newest = newest.max(self.payments.at(activity.keys.id));
            }
            activity.keys.for_each(activity.kind, |track, key, _| {
                if self.is_kept[track as usize] {
                    newest = newest.max(self.history(track, key).and_then(History::newest_at));
                }
            });
        }
        std::hint::black_box(newest);
    }

    /// Looks at every past before one is changed. They lie far apart, in no cache of the processor, which waits for all of them at once when
    /// they are only looked at, and for each alone when each is changed before the next is looked for.
    fn approach(&self, activity: &Activity<'_>) {
        let mut count = 0_usize;
        activity.keys.for_each(activity.kind, |track, key, _| count += usize::from(self.history(track, key).is_some()));
        std::hint::black_box(count);
    }

    fn put(&mut self, activity: &Activity<'_>) {
        self.approach(activity);
        let occurrence = occurrence(activity);
        let mut places = std::mem::take(&mut self.spare);
        activity.keys.for_each(activity.kind, |track, key, item| {
            if self.is_kept[track as usize] {
                self.tracks[track as usize].place(key.0, Occurrence { item: item.0, ..occurrence });
                places.push((track, key));
            }
        });
        if activity.is_transaction() {
            self.note_placed(Placed { at: activity.at, id: activity.keys.id, places });
        } else {
            places.clear();
            self.spare = places;
        }
    }

    fn note_placed(&mut self, placed: Placed) {
        if self.recent.back().is_none_or(|newest| newest.order() < placed.order()) {
            return self.recent.push_back(placed);
        }
        match self.find_placed(placed.at, placed.id) {
            Ok(place) => self.recent[place] = placed,
            Err(place) => self.recent.insert(place, placed),
        }
    }

    fn find_placed(&self, at: Timestamp, id: u64) -> Result<usize, usize> {
        self.recent.binary_search_by_key(&(at, id), Placed::order)
    }

    fn take_out(&mut self, at: Timestamp, id: u64) {
        let found = self.find_placed(at, id).ok().and_then(|place| self.recent.remove(place));
        for (track, key) in found.map(|placed| placed.places).unwrap_or_default() {
            self.tracks[track as usize].remove(key.0, at, id);
        }
    }

    /// Forgets where payments are that nothing can come before any more.
    fn forget_settled(&mut self) {
        let settled_before = self.newest_at.saturating_add_nanos(-LATENESS_NANOS_MAX);
        while let Some(settled) = self.recent.pop_front_if(|first| first.at < settled_before) {
            self.spare = settled.places;
            self.spare.clear();
        }
    }

    /// Notes that a payment was fraud; false when that was known, or the payment is not.
    pub fn mark_fraud(&mut self, activity: &Activity<'_>) -> bool {
        let (id, keys) = (activity.keys.id, &activity.keys);
        let Some(at) = self.payments.at(id) else { return false };
        let buyer = keys.buyer.and_then(|key| self.history(Track::BuyerPayments, key));
        let is_usual = buyer.is_none_or(|history| history.is_usual(at, id));
        let mut is_new = false;
        keys.for_each(activity.kind, |track, key, _| {
            is_new |= self.tracks[track as usize].mark_fraud(key.0, (at, id), is_usual);
        });
        is_new
    }

    /// Takes back that a payment was fraud; false when nobody said so.
    pub fn clear_fraud(&mut self, activity: &Activity<'_>) -> bool {
        let (id, keys) = (activity.keys.id, &activity.keys);
        let Some(at) = self.payments.at(id) else { return false };
        let mut is_cleared = false;
        keys.for_each(activity.kind, |track, key, _| {
            is_cleared |= self.tracks[track as usize].clear_fraud(key.0, (at, id));
        });
        is_cleared
    }

    /// The history of a key on a track.
    pub(super) fn history(&self, track: Track, key: Key) -> Option<&History> {
        if !self.is_kept[track as usize] {
            return None;
        }
        self.tracks[track as usize].history(key.0)
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
        let mut shop = Self { tracks, payments, newest_at, ..Self::new(bounds) };
        read_recent(bytes, &mut shop)?;
        Ok(shop)
    }
}

fn write_recent(out: &mut Vec<u8>, recent: &VecDeque<Placed>) {
    out.extend_from_slice(&(recent.len() as u64).to_le_bytes());
    for Placed { at, id, places } in recent {
        out.extend_from_slice(&at.as_nanos().to_le_bytes());
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&(places.len() as u64).to_le_bytes());
        for (track, key) in places {
            out.extend_from_slice(&(*track as u64).to_le_bytes());
            out.extend_from_slice(&key.0.to_le_bytes());
        }
    }
}

fn read_recent(bytes: &mut &[u8], shop: &mut ShopHistory) -> Result<(), SnapshotError> {
    for _ in 0..read_u64(bytes)? {
        let at = Timestamp::from_nanos(read_u64(bytes)?.cast_signed());
        let id = read_u64(bytes)?;
        let mut places = Vec::new();
        for _ in 0..read_u64(bytes)? {
            let number = read_u64(bytes)?;
            let track = usize::try_from(number).ok().and_then(|number| TRACKS.get(number).copied());
            places.push((track.ok_or(SnapshotError { left: bytes.len() })?, Key(read_u64(bytes)?)));
        }
        shop.note_placed(Placed { at, id, places });
    }
    Ok(())
}

fn occurrence(activity: &Activity<'_>) -> Occurrence {
    Occurrence { at: activity.at, id: activity.keys.id, amount: activity.amount, item: 0 }
}

pub(super) fn read_u64(bytes: &mut &[u8]) -> Result<u64, SnapshotError> {
    let (first, rest) = bytes.split_first_chunk().ok_or(SnapshotError { left: bytes.len() })?;
    *bytes = rest;
    Ok(u64::from_le_bytes(*first))
}
