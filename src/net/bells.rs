//! What wakes the task that keeps a core's parking lot. Deliberately absent: what it does then ([`keeper`](super::keeper)).

use std::io;
use std::net::TcpStream as StdStream;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{Wake, Waker};

use monoio::net::TcpStream;
use rustix::event::{EventfdFlags, eventfd};

/// The two descriptors that wake the keeper: the core's ring, readable when something completed, and the
/// bell of its box, readable when another thread has rung.
///
/// The runtime's own way from another thread to a task takes a queue, two locks and one more call of the
/// system than this.
pub(super) struct Bells {
    ring: Bell,
    post: Bell,
    /// What rings `post`.
    ringer: Waker,
    counter: Arc<Ringer>,
}

impl Bells {
    /// # Errors
    /// When there is no descriptor left.
    pub(super) fn new(ready: &super::ready::Ready) -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let counter = eventfd(0, flags)?;
        let post = Bell::new(counter.try_clone()?)?;
        let counter = Arc::new(Ringer(counter));
        Ok(Self {
            ring: Bell::new(ready.bell()?)?,
            post,
            ringer: Waker::from(Arc::clone(&counter)),
            counter,
        })
    }

    /// Completes when the core's ring has something to reap.
    pub(super) async fn completed(&self) {
        self.ring.rings().await;
    }

    /// Completes when somebody has rung.
    pub(super) async fn rung(&self) {
        self.post.rings().await;
    }

    /// Rings, from any thread.
    pub(super) fn ringer(&self) -> &Waker {
        &self.ringer
    }

    /// Takes back what was rung so far: look into the box once more after it.
    pub(super) fn silence(&self) {
        let _ = rustix::io::read(&self.counter.0, &mut [0; 8]);
    }
}

/// A descriptor that is readable when somebody is to look.
struct Bell(TcpStream);

impl Bell {
    fn new(fd: OwnedFd) -> io::Result<Self> {
        // Not a stream at all, but the runtime asks it for readiness only.
        TcpStream::from_std(StdStream::from(fd)).map(Self)
    }

    async fn rings(&self) {
        // Not relaxed: relaxed readiness is never taken back on the epoll driver.
        let _ = self.0.readable(false).await;
    }
}

/// Rings from any thread.
struct Ringer(OwnedFd);

impl Wake for Ringer {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It fails only where the counter is full, and then it is readable.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}
