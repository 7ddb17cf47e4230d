//! The commands over a house in memory, as phones of several versions see it.

mod files;
mod folders;
mod items;
mod mail;
mod matrix;
mod noise;
mod quirks;
mod requests;
mod smart;
mod texts;
mod waiting;
