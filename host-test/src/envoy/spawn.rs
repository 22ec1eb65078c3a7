//! Starts processes that the kernel kills when we die.
//!
//! `PR_SET_PDEATHSIG` does that, with one trap (prctl(2)): the "parent" is the thread that forked, not its process. A
//! test runs in a thread that ends with it, and one Envoy may be shared by several. So a thread that lives as long as
//! the process does all the forking.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};

struct Order {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

/// Starts a command. The child does not outlive this process, however it ends.
pub(super) fn spawn(mut command: Command) -> io::Result<Child> {
    let us = std::process::id();
    // SAFETY: between fork and exec only async-signal-safe calls are made, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // We may have died before the call; then nobody is going to send the signal.
            if libc::getppid() as u32 != us {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
    let (reply, answer) = mpsc::channel();
    let gone = |_| io::Error::other("the thread that starts processes is gone");
    spawner().send(Order { command, reply }).map_err(|_| gone(()))?;
    answer.recv().map_err(|_| gone(()))?
}

fn spawner() -> &'static Sender<Order> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    SPAWNER.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for mut order in orders {
                if let Err(mpsc::SendError(Ok(mut orphan))) = order.reply.send(order.command.spawn()) {
                    // Nobody waits for it any more.
                    let _ = orphan.kill();
                    let _ = orphan.wait();
                }
            }
        });
        sender
    })
}
