//! What the system is asked: the clock, a process' memory and CPU, cores, descriptors.

#![expect(unsafe_code, reason = "system calls that std has no form for")]

use std::io;
use std::os::fd::RawFd;

/// Bytes of a page of the slab caches.
const PAGE_BYTES: u64 = 4_096;

/// Nanoseconds of the monotonic clock, which all processes of a machine share.
#[must_use]
pub fn now_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// Keeps this process on one core, where there are as many.
pub fn pin(core: usize) {
    // SAFETY: the set is plain data that the calls fill and read.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
    }
}

/// Microseconds of CPU that a process has used, in user and kernel mode.
///
/// # Errors
/// When there is no such process.
pub fn cpu_us(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path().join("schedstat");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let ns: u64 = text
            .split_whitespace()
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        sum += ns / 1_000;
    }
    Ok(sum)
}

/// Bytes of anonymous memory that a process has in use.
///
/// # Errors
/// When there is no such process.
pub fn anonymous_bytes(pid: u32) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| io::Error::other("no RssAnon"))
}

/// Bytes of the kernel's slab caches, but for what others leave there who look at `/proc/PID/fd`
/// meanwhile (a machine's watchers do): for each descriptor an inode of `/proc`, its name and its
/// label.
///
/// # Errors
/// When the system does not say: for who is not root.
pub fn slab_bytes() -> io::Result<u64> {
    const OTHERS: &str = "proc_inode_cache";
    const WITH_EACH: [&str; 2] = ["dentry", "lsm_inode_cache"];
    let text = std::fs::read_to_string("/proc/slabinfo")?;
    let (mut all, mut looked, mut with_each) = (0, 0, 0);
    // name active_objs num_objs objsize objperslab pagesperslab : tunables ... : slabdata active_slabs num_slabs
    for line in text.lines().skip(2) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |n: usize| {
            words
                .get(n)
                .and_then(|w| w.parse::<u64>().ok())
                .unwrap_or(0)
        };
        let name = words.first().copied().unwrap_or_default();
        if name == OTHERS {
            looked = number(1);
            continue;
        }
        if WITH_EACH.contains(&name) {
            with_each += number(3);
        }
        all += number(14) * number(5) * PAGE_BYTES;
    }
    Ok(all.saturating_sub(looked * with_each))
}

/// An epoll descriptor.
#[derive(Debug)]
pub struct Epoll(RawFd);

impl Epoll {
    /// # Errors
    /// When there is no descriptor left.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the call takes no memory of ours.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(fd))
    }

    /// Tells of this descriptor from now on, by edges.
    ///
    /// # Errors
    /// The system's.
    pub fn add(&self, fd: RawFd, token: u64) -> io::Result<()> {
        let events = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET;
        let mut event = libc::epoll_event {
            events: events.cast_unsigned(),
            u64: token,
        };
        // SAFETY: the pointer is to a live event, which the call only reads.
        let done = unsafe { libc::epoll_ctl(self.0, libc::EPOLL_CTL_ADD, fd, &raw mut event) };
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// The tokens of what is ready, and whether its stream ends; waits for so long.
    pub fn wait(&self, timeout_ms: i32, tokens: &mut Vec<(u64, bool)>) {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 512];
        // SAFETY: the pointer is to 512 live events, which the call writes.
        let n = unsafe { libc::epoll_wait(self.0, events.as_mut_ptr(), 512, timeout_ms) };
        let ready = events.iter().take(usize::try_from(n).unwrap_or(0));
        let ending = (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR).cast_unsigned();
        tokens.extend(ready.map(|e| (e.u64, e.events & ending != 0)));
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours alone.
        unsafe { libc::close(self.0) };
    }
}

/// Lets a socket be bound to an address without taking a port for it yet.
pub fn bind_without_port(fd: RawFd) {
    let on: libc::c_int = 1;
    // SAFETY: the pointer is to a live integer of the size given.
    unsafe {
        libc::setsockopt(
            fd,
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            4,
        );
    }
}
