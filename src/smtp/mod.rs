//! LMTP as a state machine over bytes.
