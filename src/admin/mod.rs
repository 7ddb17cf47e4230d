//! What an operator may do, as orders: the same whether the appliance runs or not.
//!
//! A command of the command line becomes an [`Order`]. When an appliance runs on the data
//! directory the order travels over its admin socket (`socket`, a Unix socket that only its owner
//! may open); else the command opens the store and carries it out itself.
//!
//! [`page`] shows how the appliance is, on loopback, and changes nothing.
//!
//! Deliberately absent: orders over the network. Whoever may open the socket may do everything.

mod away;
mod broken;
pub mod desk;
mod devices;
mod intake;
pub mod measure;
pub mod order;
mod outgoing;
pub mod page;
pub mod portrait;
pub mod socket;
mod users;

pub use desk::Desk;
pub use order::{Order, Refusal, Reply};
