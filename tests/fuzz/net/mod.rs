//! Stands where the product's `net` stands, so that the parts of it that read what any peer sends,
//! and are private to it, can be built in here as they are.

pub(crate) mod tls;
