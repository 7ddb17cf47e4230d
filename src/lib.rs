//! Roost: an Exchange ActiveSync appliance.
pub mod clock;
pub mod limits;
pub mod pim;
pub mod store;
