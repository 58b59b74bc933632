//! The media engine: every RTP socket and all 20 ms work of the dialer.
//!
//! `wire`, `g711`, `timeline`, `reorder`, `receive`, `source`, `outgoing`, `tap`, `spool` and `quality` are pure: bytes
//! and numbers in, values out. `browser` holds the sealed connection with a browser. `leg` puts them together around its
//! sockets; `worker` drives the legs of one thread; `writer` appends recordings; `engine` is the face that `python`
//! binds. `listening` lets third parties hear and be heard. `meter` stands alone: it measures frames for the detectors.
//! System calls that need `unsafe` are in `sys`,
//! and nowhere else.
#![deny(unsafe_code)]

pub mod browser;
pub mod engine;
pub mod events;
pub mod g711;
pub mod leg;
pub mod listening;
pub mod meter;
pub mod outgoing;
#[cfg(feature = "python")]
mod python;
pub mod quality;
pub mod receive;
pub mod reorder;
pub mod reports;
pub mod source;
pub mod spool;
pub mod stats;
pub mod sys;
pub mod tap;
pub mod timeline;
pub mod wire;
pub mod worker;
pub mod writer;
