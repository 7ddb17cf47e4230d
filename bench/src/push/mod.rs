//! The push core against a server of the usual shape, in one run: what a parked phone costs, how
//! soon it is woken, what a storm takes.
//!
//! Three kinds of processes, driven by [`table`] over their standard input and output: Roost
//! ([`appliance`]), the reference ([`reference`]: tokio and rustls on epoll, a task for each
//! connection), and the [`fleet`] of phones, which is the same for both. Servers are pinned to one
//! core, the fleet to another. Both servers commit to a store of Roost's own, so that "durable" means
//! the same; both are asked in turn, since only ratios hold on a machine that does other things.

mod alone;
pub mod appliance;
pub mod client;
pub mod control;
pub mod day;
pub mod door;
pub mod fleet;
mod pairs;
pub mod phone;
pub mod reference;
pub mod rows;
pub mod scale;
pub mod stats;
pub mod sys;
pub mod table;
pub mod trial;
