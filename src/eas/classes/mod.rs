//! Data classes.
