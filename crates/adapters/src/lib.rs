//! How the outside is spoken to: the metadata store on SQLite, the file of token keys, places that notices are sent to.
//!
//! Each system has a folder or file of its own and translates its errors where they enter. Only whoever
//! wires the program names anything in here.

pub mod keys;
pub mod notify;
pub mod sqlite;
