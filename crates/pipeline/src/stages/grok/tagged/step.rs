//! One step: from the places where a search may stand, over a character, to those where it may stand then.

use regex_automata::nfa::thompson::State;
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;

use super::{Program, Unsure};

/// The group has not been met, as a register.
pub(super) const NOWHERE: u32 = u32::MAX;
/// Where the search stands, as a register: the step writes it.
pub(super) const HERE: u32 = u32::MAX - 1;
/// The expression is through, as a place of it.
pub(super) const THROUGH: u32 = u32::MAX;

/// What stands before a place of the text, as far as an expression can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Before {
    Start,
    LineFeed,
    WordCharacter,
    Other,
    /// A piece of a character that is not ASCII.
    NotAscii,
}

impl Before {
    const ALL: [Self; 5] = [Self::Start, Self::LineFeed, Self::WordCharacter, Self::Other, Self::NotAscii];

    pub(super) fn of_key(key: u32) -> Self {
        Self::ALL.get(key as usize).copied().unwrap_or(Self::Other)
    }

    pub(super) const fn of_byte(byte: u8) -> Self {
        match byte {
            b'\n' => Self::LineFeed,
            128.. => Self::NotAscii,
            _ if is_word(byte) => Self::WordCharacter,
            _ => Self::Other,
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Memory of one step, kept for the next.
#[derive(Debug)]
pub(super) struct Stepper {
    /// The places afterwards, most wanted first: each a number of the NFA's state and a register for every tag.
    pub(super) after: Vec<u32>,
    registers: Vec<u32>,
    stack: Vec<Frame>,
    /// States of the NFA that were entered, and that were reached, in this step.
    entered: Marks,
    reached: Marks,
}

#[derive(Debug)]
enum Frame {
    Enter(StateID),
    Restore { tag: usize, register: u32 },
}

/// A set of states that is emptied at no cost.
#[derive(Debug)]
struct Marks {
    rounds: Vec<u32>,
    round: u32,
}

impl Marks {
    fn new(len: usize) -> Self {
        Self { rounds: vec![0; len], round: 0 }
    }

    fn clear(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.rounds.fill(0);
            self.round = 1;
        }
    }

    /// Whether it was not in the set before.
    fn insert(&mut self, state: StateID) -> bool {
        let mark = &mut self.rounds[state.as_usize()];
        let is_new = *mark != self.round;
        *mark = self.round;
        is_new
    }
}

impl Stepper {
    pub(super) fn new(program: &Program) -> Self {
        let states = program.nfa.states().len();
        Self {
            after: Vec::new(),
            registers: vec![NOWHERE; program.tag_count],
            stack: Vec::new(),
            entered: Marks::new(states),
            reached: Marks::new(states),
        }
    }

    /// Takes the places over the next byte, or to the end of the text, into `after`. What is less wanted than a way through
    /// falls away.
    ///
    /// # Errors
    /// When it depends on whether a character that is not ASCII is one of a word.
    pub(super) fn step(
        &mut self,
        program: &Program,
        places: &[u32],
        before: Before,
        next: Option<u8>,
    ) -> Result<(), Unsure> {
        self.after.clear();
        self.entered.clear();
        self.reached.clear();
        for place in places.chunks_exact(1 + program.tag_count) {
            if place[0] == THROUGH {
                self.after.extend_from_slice(place);
                return Ok(());
            }
            self.registers.copy_from_slice(&place[1..]);
            self.stack.clear();
            self.stack.push(Frame::Enter(StateID::new_unchecked(place[0] as usize)));
            while let Some(frame) = self.stack.pop() {
                let is_through = match frame {
                    Frame::Restore { tag, register } => {
                        self.registers[tag] = register;
                        false
                    }
                    Frame::Enter(state) => self.enter(program, state, before, next)?,
                };
                if is_through {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Follows what takes no character from a state of the NFA on, its first way at once and the others later; whether it led
    /// through the expression.
    fn enter(
        &mut self,
        program: &Program,
        mut state: StateID,
        before: Before,
        next: Option<u8>,
    ) -> Result<bool, Unsure> {
        while self.entered.insert(state) {
            let over = |of: &dyn Fn(u8) -> Option<StateID>| next.and_then(of);
            let target = match program.nfa.state(state) {
                State::ByteRange { trans } => over(&|byte| trans.matches_byte(byte).then_some(trans.next)),
                State::Sparse(ranges) => over(&|byte| ranges.matches_byte(byte)),
                State::Dense(table) => over(&|byte| table.matches_byte(byte)),
                State::Fail => None,
                State::Match { .. } => {
                    self.after.push(THROUGH);
                    self.after.extend_from_slice(&self.registers);
                    return Ok(true);
                }
                State::Look { look, next: after } => {
                    if !holds(*look, before, next)? {
                        return Ok(false);
                    }
                    state = *after;
                    continue;
                }
                State::Union { alternates } => {
                    let Some((first, others)) = alternates.split_first() else { return Ok(false) };
                    self.stack.extend(others.iter().rev().map(|other| Frame::Enter(*other)));
                    state = *first;
                    continue;
                }
                State::BinaryUnion { alt1, alt2 } => {
                    self.stack.push(Frame::Enter(*alt2));
                    state = *alt1;
                    continue;
                }
                State::Capture { next: after, slot, .. } => {
                    if let Some(tag) = program.tag_of_slot[slot.as_usize()] {
                        self.stack.push(Frame::Restore { tag, register: self.registers[tag] });
                        self.registers[tag] = HERE;
                    }
                    state = *after;
                    continue;
                }
            };
            if let Some(target) = target.filter(|target| self.reached.insert(*target)) {
                self.after.push(target.as_u32());
                self.after.extend_from_slice(&self.registers);
            }
            return Ok(false);
        }
        Ok(false)
    }
}

/// Whether what is asked of the characters around a place holds there.
fn holds(look: Look, before: Before, next: Option<u8>) -> Result<bool, Unsure> {
    Ok(match look {
        Look::Start => before == Before::Start,
        Look::End => next.is_none(),
        Look::StartLF => matches!(before, Before::Start | Before::LineFeed),
        Look::EndLF => matches!(next, None | Some(b'\n')),
        _ if before == Before::NotAscii || next.is_some_and(|byte| !byte.is_ascii()) => return Err(Unsure::Text),
        _ => {
            let is_boundary = (before == Before::WordCharacter) != next.is_some_and(is_word);
            is_boundary == (look == Look::WordUnicode)
        }
    })
}
