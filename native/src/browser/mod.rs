//! The browser's end of a leg: ICE-lite, DTLS-SRTP and RTCP, by `str0m` (RFC 8445, RFC 5764, RFC 3550).
//!
//! `answer` makes a `Link` of a browser's offer, `link` carries datagrams between the leg's socket and its audio path.
//! Both are sans-IO but for the socket that `link` sends on; what is heard and said is the leg's.
#![forbid(unsafe_code)]

mod answer;
mod link;

pub use answer::{Answerer, MAX_OFFER};
pub use link::{Change, Foreign, Link, Report};
