//! Faults made on purpose, on a disk in memory: for every operation of a scripted life of the store.
//!
//! The judge is always the same: acknowledged ⊆ stored ⊆ sent, no event twice, no wrong byte, and it opens again.

mod disk;

mod every_failure;
mod every_stop;
mod full_disk;

mod life;
mod odd_days;
