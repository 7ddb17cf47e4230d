//! HTTP/1.1 as a state machine over bytes.
