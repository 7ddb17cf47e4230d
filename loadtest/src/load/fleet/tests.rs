//! The fleet against a server that does what it is told to.
