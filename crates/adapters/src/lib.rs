//! How the outside is spoken to: the metadata store on SQLite, and the file of token keys.
//!
//! Each system has a folder or file of its own and translates its errors where they enter. Only whoever
//! wires the program names anything in here.

pub mod keys;
pub mod sqlite;
