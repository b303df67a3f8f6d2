//! The states that searches have met, and the steps between them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::step::{Before, HERE, NOWHERE, Stepper, THROUGH};
use super::{Program, Unsure};
use crate::stages::grok::engine::Place;

/// Bytes of the states and steps that one search keeps for those after it. When they are full it begins anew.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes that those of all expressions take together. When there is no room, an expression does without.
const ALL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Registers of one state.
const REGISTERS_MAX: usize = 1_024;
/// Bytes of text for each state that was made when they are full; with fewer, making states takes longer than it saves.
const BYTES_PER_STATE_MIN: usize = 16;

/// Set in a step that cannot be taken by going to the next state alone.
const IS_SPECIAL: u32 = 1 << 31;
/// A step that nobody has taken yet.
const UNKNOWN: u32 = u32::MAX;
/// Bytes of text that are told apart.
const BYTE_VALUES: usize = 256;

/// Bytes that the states of all expressions take.
static ALL_BYTES: AtomicUsize = AtomicUsize::new(0);

/// What is known of the states of an expression.
#[derive(Debug)]
pub(super) struct Cache {
    stepper: Stepper,
    /// The class of a byte: no step tells two bytes of one class apart.
    classes: Box<[u8; BYTE_VALUES]>,
    class_count: usize,
    /// For each state and class of bytes the state after it, which is told by where its own steps begin.
    steps: Vec<u32>,
    /// For each of these steps, which of `moves` it makes; the first of them are none.
    moves_of: Vec<u32>,
    moves: Vec<Box<[Move]>>,
    states: Vec<Known>,
    numbers: HashMap<Arc<[u32]>, usize>,
    registers: Vec<u32>,
    moved: Vec<u32>,
    bytes: usize,
    /// Bytes of text since the states began anew, and of the search under way.
    searched: usize,
    under_way: usize,
}

/// A register that is given what another one holds, or the place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    to: u32,
    from: u32,
}

/// A state.
#[derive(Debug)]
struct Known {
    /// What stands before, and where the search may stand in the expression, most wanted first.
    key: Arc<[u32]>,
    /// What the text's end means here, once it has been asked: the registers of a way through.
    end: Option<Option<Arc<[u32]>>>,
}

impl Cache {
    pub(super) fn new(program: &Program) -> Self {
        let mut classes = Box::new([0; BYTE_VALUES]);
        for (byte, class) in (0_u8..=u8::MAX).zip(classes.iter_mut()) {
            *class = program.nfa.byte_classes().get(byte);
        }
        let class_count = classes.iter().max().map_or(1, |most| usize::from(*most) + 1);
        Self {
            stepper: Stepper::new(program),
            classes,
            class_count,
            steps: Vec::new(),
            moves_of: Vec::new(),
            moves: vec![Box::default()],
            states: Vec::new(),
            numbers: HashMap::new(),
            registers: Vec::new(),
            moved: Vec::new(),
            bytes: 0,
            searched: 0,
            under_way: 0,
        }
    }

    /// Where the groups lie in their order, if the text is of the form.
    ///
    /// # Errors
    /// When another engine has to be asked.
    pub(super) fn search(&mut self, program: &Program, text: &str) -> Result<Option<Vec<Place>>, Unsure> {
        if text.len() >= HERE as usize {
            return Err(Unsure::Text);
        }
        let mut state = self.start(program)?;
        let mut at = 0;
        let bytes = text.as_bytes();
        while let Some(byte) = bytes.get(at) {
            let step = self.steps[state + usize::from(self.classes[usize::from(*byte)])];
            if step & IS_SPECIAL == 0 {
                state = step as usize;
                at += 1;
                continue;
            }
            let (next, is_over) = self.special_step(program, state, *byte, at)?;
            state = next;
            at += 1;
            if is_over {
                break;
            }
        }
        self.searched += at;
        self.under_way = 0;
        self.end(program, text, state, at)
    }

    /// The state in which every search begins.
    fn start(&mut self, program: &Program) -> Result<usize, Unsure> {
        if self.states.is_empty() {
            let mut key = vec![Before::Start as u32, program.nfa.start_unanchored().as_u32()];
            key.resize(2 + program.tag_count, NOWHERE);
            self.state(key, 0)?;
        }
        Ok(0)
    }

    /// Takes a step that is not known, writes registers or ends the search; the state after it, and whether it is the last.
    fn special_step(&mut self, program: &Program, state: usize, byte: u8, at: usize) -> Result<(usize, bool), Unsure> {
        let place = state + usize::from(self.classes[usize::from(byte)]);
        if self.steps[place] == UNKNOWN {
            self.under_way = at;
            self.learn(program, state, place, byte)?;
        }
        let next = (self.steps[place] & !IS_SPECIAL) as usize;
        let moves = &self.moves[self.moves_of[place] as usize];
        self.moved.clear();
        let registers = &self.registers;
        let read = |from: u32| if from == HERE { at as u32 } else { registers[from as usize] };
        self.moved.extend(moves.iter().map(|one| read(one.from)));
        for (one, value) in moves.iter().zip(&self.moved) {
            self.registers[one.to as usize] = *value;
        }
        let is_over = self.known(next).key.get(1).is_none_or(|first| *first == THROUGH);
        Ok((next, is_over))
    }

    fn known(&self, state: usize) -> &Known {
        &self.states[state / self.class_count]
    }

    /// Works a step out.
    fn learn(&mut self, program: &Program, state: usize, place: usize, byte: u8) -> Result<(), Unsure> {
        let key = Arc::clone(&self.known(state).key);
        self.stepper.step(program, &key[1..], Before::of_key(key[0]), Some(byte))?;
        let before = if program.looks_around { Before::of_byte(byte) } else { Before::Other };
        let mut after = Vec::with_capacity(1 + self.stepper.after.len());
        after.push(before as u32);
        after.extend_from_slice(&self.stepper.after);
        let (moves, registers) = named_anew(&mut after[1..], 1 + program.tag_count);
        if registers > REGISTERS_MAX {
            return Err(Unsure::Expression);
        }
        let next = self.state(after, registers)?;
        let is_over = self.known(next).key.get(1).is_none_or(|first| *first == THROUGH);
        let is_special = is_over || !moves.is_empty();
        self.steps[place] = next as u32 | if is_special { IS_SPECIAL } else { 0 };
        if !moves.is_empty() {
            self.take_bytes(moves.len() * size_of::<Move>());
            self.moves_of[place] = self.moves.len() as u32;
            self.moves.push(moves.into());
        }
        Ok(())
    }

    /// Where the steps of a state begin; it is made when there is none yet. It has so many registers.
    fn state(&mut self, key: Vec<u32>, registers: usize) -> Result<usize, Unsure> {
        if let Some(number) = self.numbers.get(key.as_slice()) {
            return Ok(*number);
        }
        self.take_bytes((key.len() + 2 * self.class_count) * size_of::<u32>() + size_of::<Known>());
        if ALL_BYTES.load(Ordering::Relaxed) > ALL_BYTES_MAX {
            return Err(Unsure::Expression);
        }
        if self.bytes > BYTES_MAX || self.steps.len() + self.class_count >= IS_SPECIAL as usize {
            return Err(self.begin_anew());
        }
        let key: Arc<[u32]> = key.into();
        let number = self.steps.len();
        self.registers.resize(self.registers.len().max(registers), NOWHERE);
        self.steps.resize(number + self.class_count, UNKNOWN);
        self.moves_of.resize(number + self.class_count, 0);
        self.states.push(Known { key: Arc::clone(&key), end: None });
        self.numbers.insert(key, number);
        Ok(number)
    }

    fn take_bytes(&mut self, bytes: usize) {
        self.bytes += bytes;
        ALL_BYTES.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_bytes_back(&mut self) {
        ALL_BYTES.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }

    /// Forgets every state; whether it is worth going on is what is given.
    pub(super) fn begin_anew(&mut self) -> Unsure {
        let is_worth = self.searched + self.under_way >= self.states.len() * BYTES_PER_STATE_MIN;
        self.steps.clear();
        self.moves_of.clear();
        self.moves.truncate(1);
        self.states.clear();
        self.numbers.clear();
        self.give_bytes_back();
        self.searched = 0;
        self.under_way = 0;
        if is_worth { Unsure::Text } else { Unsure::Expression }
    }

    /// What was found when the text ends here, or nothing can change any more.
    fn end(&mut self, program: &Program, text: &str, state: usize, at: usize) -> Result<Option<Vec<Place>>, Unsure> {
        let number = state / self.class_count;
        let end = match &self.states[number].end {
            Some(end) => end.clone(),
            None => {
                let key = Arc::clone(&self.states[number].key);
                self.stepper.step(program, &key[1..], Before::of_key(key[0]), None)?;
                let end: Option<Arc<[u32]>> = self.stepper.after.get(1..).map(Arc::from);
                self.states[number].end = Some(end.clone());
                end
            }
        };
        let Some(end) = end else { return Ok(None) };
        let read = |register: u32| match register {
            NOWHERE => None,
            HERE => Some(at),
            register => Some(self.registers[register as usize] as usize),
        };
        let places: Vec<Place> = end.chunks_exact(2).map(|pair| Some((read(pair[0])?, read(pair[1])?))).collect();
        let is_between = |at: &usize| text.is_char_boundary(*at);
        let is_whole = places.iter().flatten().all(|(start, end)| is_between(start) && is_between(end));
        if is_whole { Ok(Some(places)) } else { Err(Unsure::Text) }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.give_bytes_back();
    }
}

/// Gives the registers of some places numbers in the order in which they are met, so that states that differ by nothing else are
/// one; what has to be moved for that, and how many registers there are.
fn named_anew(places: &mut [u32], width: usize) -> (Vec<Move>, usize) {
    let mut names: Vec<u32> = Vec::new();
    for place in places.chunks_exact_mut(width) {
        for register in place[1..].iter_mut().filter(|register| **register != NOWHERE) {
            let known = names.iter().position(|name| name == register);
            let number = known.unwrap_or_else(|| {
                names.push(*register);
                names.len() - 1
            });
            *register = number as u32;
        }
    }
    let moves = (0..).zip(&names).map(|(to, from)| Move { to, from: *from });
    (moves.filter(|one| one.to != one.from).collect(), names.len())
}
