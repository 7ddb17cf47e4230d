//! Every class in every version, there and back.
