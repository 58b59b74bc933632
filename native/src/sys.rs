//! The system calls that the standard library does not offer, each behind a safe function. The only unsafe code of the
//! engine.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{Error, Result};
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::thread::JoinHandle;

fn check(result: libc::c_int) -> Result<libc::c_int> {
    if result < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Nanoseconds on CLOCK_MONOTONIC, the clock of Python's `time.monotonic`.
pub fn monotonic_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec for the call to fill.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// A thread of the engine. Its panic is a bug, and ends the process: half an engine would take calls and leave them
/// mute and unrecorded, while what is in the spool survives a restart.
pub fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(move || {
        if catch_unwind(AssertUnwindSafe(run)).is_err() {
            std::process::abort();
        }
    })
}

/// A level-triggered set of sockets.
pub struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub fn new(capacity: usize) -> Result<Self> {
        // SAFETY: no pointers; the returned descriptor is owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) };
        Ok(Self { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; capacity] })
    }

    pub fn add(&self, socket: &UdpSocket, token: u64) -> Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        // SAFETY: both descriptors are open for the call and `event` is valid.
        check(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_ADD, socket.as_raw_fd(), &mut event) })?;
        Ok(())
    }

    pub fn remove(&self, socket: &UdpSocket) -> Result<()> {
        // SAFETY: both descriptors are open for the call; a null event is allowed for EPOLL_CTL_DEL.
        check(unsafe {
            libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_DEL, socket.as_raw_fd(), std::ptr::null_mut())
        })?;
        Ok(())
    }

    /// Asks which sockets are readable now, without waiting; `token(n)` names the n-th.
    pub fn poll(&mut self) -> usize {
        let capacity = self.events.len() as libc::c_int;
        // SAFETY: the kernel writes at most `capacity` entries into `events`.
        let count = unsafe { libc::epoll_wait(self.fd.as_raw_fd(), self.events.as_mut_ptr(), capacity, 0) };
        usize::try_from(count).unwrap_or(0)
    }

    pub fn token(&self, index: usize) -> u64 {
        self.events[index].u64
    }
}

/// A counter descriptor that one side raises and the other waits for.
pub struct EventFd(OwnedFd);

impl EventFd {
    pub fn new() -> Result<Self> {
        // SAFETY: no pointers; the returned descriptor is owned by nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(check(libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC))?) }))
    }

    pub fn raise(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight readable bytes, as an eventfd wants.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    pub fn clear(&self) {
        let mut count = [0u8; 8];
        // SAFETY: eight writable bytes, as an eventfd wants.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }

    /// Waits until it is raised, or for `timeout_ns` at most. May return early on a signal.
    pub fn wait(&self, timeout_ns: Option<u64>) {
        let mut poll = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let timeout = timeout_ns.map(|ns| libc::timespec {
            tv_sec: (ns / 1_000_000_000) as libc::time_t,
            tv_nsec: (ns % 1_000_000_000) as libc::c_long,
        });
        let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: one valid pollfd; the timeout is null or points to a timespec that outlives the call; no signal mask.
        let raised = unsafe { libc::ppoll(&mut poll, 1, timeout, std::ptr::null()) };
        if raised > 0 {
            self.clear();
        }
    }

    pub fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Lets a connected UDP socket hear everybody again; its local address stays.
pub fn disconnect(socket: &UdpSocket) -> Result<()> {
    let address = libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
    let length = std::mem::size_of::<libc::sockaddr>() as libc::socklen_t;
    // SAFETY: `address` is valid and `length` is its size.
    check(unsafe { libc::connect(socket.as_raw_fd(), &address, length) })?;
    Ok(())
}

/// Makes everything written to the file system of `directory` durable.
pub fn sync_file_system(directory: &File) -> Result<()> {
    // SAFETY: an open descriptor, no pointers.
    check(unsafe { libc::syncfs(directory.as_raw_fd()) })?;
    Ok(())
}
