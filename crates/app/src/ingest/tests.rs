//! What `ingest` promises, over doubles.
