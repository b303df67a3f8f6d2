//! Nothing. Rhai names the crate `smartstring` (MPL-2.0) among its dependencies, but uses compact_str in its place when it is
//! told to, as it is here; Cargo wants a crate of that name all the same.
