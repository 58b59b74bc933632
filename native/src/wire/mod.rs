//! Bytes from and for the network: pure parsers and writers, no socket, no clock. Each is a fuzz target.

pub mod dtmf;
pub mod rtcp;
pub mod rtp;
