//! The composition root: builds everything, starts the cores, drains.
