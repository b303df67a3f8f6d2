//! What `uploads` promises, over doubles.
