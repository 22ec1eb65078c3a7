//! Starts processes that the kernel kills when this process ends.
//!
//! `PR_SET_PDEATHSIG` does that, but the "parent" is the thread that forked, not its process (prctl(2)). Each
//! test runs in its own thread, and several tests may share one Envoy. Therefore one thread that lives as
//! long as the process starts all children.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};

struct SpawnRequest {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

/// Starts a command. The kernel kills the child when this process ends in any way.
pub(super) fn spawn(mut command: Command) -> io::Result<Child> {
    let us = std::process::id();
    // SAFETY: between fork and exec only async-signal-safe calls are made, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have ended before the call. Then the kernel will not send the signal.
            if libc::getppid() as u32 != us {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
    let (reply, answer) = mpsc::channel();
    let gone = |_| io::Error::other("the thread that starts processes has ended");
    spawner().send(SpawnRequest { command, reply }).map_err(|_| gone(()))?;
    answer.recv().map_err(|_| gone(()))?
}

fn spawner() -> &'static Sender<SpawnRequest> {
    static SPAWNER: OnceLock<Sender<SpawnRequest>> = OnceLock::new();
    SPAWNER.get_or_init(|| {
        let (sender, requests) = mpsc::channel::<SpawnRequest>();
        std::thread::spawn(move || {
            for mut request in requests {
                if let Err(mpsc::SendError(Ok(mut orphan))) = request.reply.send(request.command.spawn()) {
                    // The caller no longer waits for the child.
                    let _ = orphan.kill();
                    let _ = orphan.wait();
                }
            }
        });
        sender
    })
}
