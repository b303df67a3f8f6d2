//! The light shipper: reads files, systemd's journal and standard input, keeps what it read in a bounded buffer on disk, and sends
//! it until it is stored.
//!
//! It knows no HTTP: what sends is a [`Destination`]. What is in the buffer is there together with the position behind it in
//! its source, and has an id, so that neither a crash of the agent nor one of the server loses a line or stores it twice.

mod backoff;
mod event;
mod ledger;
mod multiline;
mod problems;
mod run;
mod sender;
mod set_aside;
mod sources;
mod spool;
mod state;
mod stop;

pub mod outside;

pub use event::Beside;
pub use multiline::{FLUSH_DEFAULT, Multiline};
pub use run::{AgentError, AgentSpec, is_in_use, run};
pub use sender::{Answer, Destination, RefusedLine};
pub use sources::Clock;
pub use sources::files::{FileGroup, check_pattern};
pub use sources::journald::JournaldSpec;
pub use sources::stdin::StdinSpec;
pub use state::{AgentState, SourceState};
pub use stop::Stop;
pub use vigie_inputs::Joining;
