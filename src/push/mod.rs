//! Parked watchers of a core.
