//! The part of WASI that `proxy-wasm-cpp-host` has: logging through the standard streams, the clock,
//! randomness and the environment. Every other function returns an error number of its own. Some types differ
//! from WASI, so a module that imports `path_link` does not load on Envoy either (`src/exports.cc`).

use super::call::{Answer, Fail, HostCall, Signature, Stop};
use crate::LogLevel;

const BADF: u32 = 8;
const NOTDIR: u32 = 20;
const FAULT: u32 = 21;
const INVAL: u32 = 28;
const NOENT: u32 = 44;
const NOSYS: u32 = 52;
const NOTSUP: u32 = 58;

/// The uptime of the machine when the emulator starts.
const UPTIME_AT_START: std::time::Duration = std::time::Duration::from_secs(1);
const MODULES: &[&str] = &["wasi_snapshot_preview1", "wasi_unstable"];
/// Limit on random bytes in one call.
const RANDOM_LIMIT: u32 = 64 * 1024;

const fn wasi(name: &'static str, args: &'static str, run: fn(&mut HostCall<'_>) -> Answer) -> Signature {
    Signature { modules: MODULES, early: true, ..Signature::proxy(name, args, run) }
}

/// The few calls that are not allowed while the module starts.
const fn late(name: &'static str, args: &'static str, run: fn(&mut HostCall<'_>) -> Answer) -> Signature {
    Signature { early: false, ..wasi(name, args, run) }
}

/// Functions that modules built with Emscripten import.
pub(super) const EMSCRIPTEN: &[Signature] = &[
    Signature::proxy("pthread_equal", "left:u right:u", |call| code(u32::from(call.u32(0) == call.u32(1)))),
    Signature {
        early: true,
        returns: false,
        ..Signature::proxy("emscripten_notify_memory_growth", "memory:u", |_| Ok(()))
    },
];

pub(super) const CALLS: &[Signature] = &[
    wasi("fd_write", "fd:u iovs:u count:u written:o", |call| write(call, 3)),
    wasi("fd_pwrite", "fd:u iovs:u count:u offset:l written:o", |call| write(call, 4)),
    late("fd_read", "fd:u iovs:u count:u read:o", |_| code(NOSYS)),
    late("fd_seek", "fd:u offset:l whence:u at:o", |_| Ok(())),
    late("fd_close", "fd:u", |_| Ok(())),
    wasi("fd_fdstat_get", "fd:u stat:o", fdstat_get),
    wasi("fd_fdstat_set_flags", "fd:u flags:u", |_| code(NOSYS)),
    wasi("fd_fdstat_set_rights", "fd:u base:l inheriting:l", standard_stream),
    wasi("fd_advise", "fd:u offset:l length:l advice:u", |_| Ok(())),
    wasi("fd_allocate", "fd:u offset:l length:l", standard_stream),
    wasi("fd_datasync", "fd:u", standard_stream),
    wasi("fd_sync", "fd:u", standard_stream),
    wasi("fd_filestat_get", "fd:u stat:o", |_| code(BADF)),
    wasi("fd_filestat_set_size", "fd:u size:l", standard_stream),
    wasi("fd_filestat_set_times", "fd:u atime:l mtime:l flags:u", standard_stream),
    wasi("fd_pread", "fd:u iovs:u count:u offset:l read:o", |_| code(NOSYS)),
    wasi("fd_readdir", "fd:u buffer:u length:u cookie:l used:o", |call| none_at(call, 4, NOTDIR)),
    wasi("fd_renumber", "fd:u to:u", renumber),
    wasi("fd_tell", "fd:u at:o", tell),
    wasi("fd_prestat_get", "fd:u stat:o", |_| code(BADF)),
    wasi("fd_prestat_dir_name", "fd:u path:u length:u", |_| code(NOSYS)),
    wasi("path_create_directory", "fd:u path:b", |_| code(NOTSUP)),
    wasi("path_filestat_get", "fd:u flags:u path:b stat:o", |_| code(NOTSUP)),
    wasi("path_filestat_set_times", "fd:u flags:u path:b atime:l mtime:l set:u", |_| code(NOTSUP)),
    wasi("path_link", "fd:u flags:u path:b to_fd:u to:u", |_| code(NOTSUP)),
    late("path_open", "fd:u dirflags:u path:b oflags:u base:l inheriting:l flags:u opened:o", |_| {
        code(NOENT)
    }),
    wasi("path_readlink", "fd:u path:b buffer:u length:u used:o", |call| none_at(call, 5, NOTSUP)),
    wasi("path_remove_directory", "fd:u path:b", |_| code(NOTSUP)),
    wasi("path_rename", "fd:u path:b to_fd:u to:b", |_| code(NOTSUP)),
    wasi("path_symlink", "path:b fd:u to:u", |_| code(NOTSUP)),
    wasi("path_unlink_file", "fd:u path:b", |_| code(NOTSUP)),
    wasi("sock_accept", "fd:u flags:u accepted:o", sock_accept),
    wasi("sock_recv", "fd:u data:u count:u flags:u received:o out_flags:o", sock_recv),
    wasi("sock_send", "fd:u data:u count:u flags:u sent:o", |call| none_at(call, 4, NOTSUP)),
    wasi("sock_shutdown", "fd:u how:u", |_| code(NOTSUP)),
    wasi("environ_get", "places:u buffer:u", environ_get),
    wasi("environ_sizes_get", "count:o size:o", environ_sizes_get),
    wasi("args_get", "places:u buffer:u", |_| Ok(())),
    wasi("args_sizes_get", "count:o size:o", args_sizes_get),
    wasi("clock_time_get", "clock:u precision:l time:o", clock_time_get),
    wasi("clock_res_get", "clock:u resolution:o", clock_res_get),
    wasi("random_get", "buffer:u length:u", random_get),
    late("sched_yield", "", |_| Ok(())),
    wasi("poll_oneoff", "in:u out:u count:u events:o", |call| none_at(call, 3, 0)),
    // Envoy logs and returns, and the code after `proc_exit` traps. The emulator stops here, to report the
    // true cause.
    Signature { returns: false, ..late("proc_exit", "code:u", proc_exit) },
];

fn code(number: u32) -> Answer {
    if number == 0 { Ok(()) } else { Err(Fail::Code(number)) }
}

/// Replaces the ABI's error for invalid memory by that of WASI.
fn or_fault(outcome: Answer) -> Answer {
    outcome.map_err(|fail| match fail {
        Fail::Code(_) => Fail::Code(FAULT),
        stop => stop,
    })
}

fn is_standard(fd: u32) -> bool {
    fd == 1 || fd == 2
}

fn standard_stream(call: &mut HostCall<'_>) -> Answer {
    code(if is_standard(call.u32(0)) { 0 } else { BADF })
}

fn none_at(call: &mut HostCall<'_>, at: usize, then: u32) -> Answer {
    or_fault(call.put_u32(at, 0))?;
    code(then)
}

fn write(call: &mut HostCall<'_>, written_at: usize) -> Answer {
    let level = match call.u32(0) {
        1 => LogLevel::Info,
        2 => LogLevel::Error,
        _ => return code(BADF),
    };
    let mut text = Vec::new();
    for i in 0..call.u32(2) {
        let vector = call.read(call.u32(1).wrapping_add(8 * i), 8).map_err(|_| Fail::Code(FAULT))?;
        let word = |at: usize| vector[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
        text.extend(call.read(word(0), word(4)).map_err(|_| Fail::Code(FAULT))?);
    }
    let written = text.len() as u32;
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    if written > 0 {
        call.world().log(level, String::from_utf8_lossy(&text).into_owned());
    }
    or_fault(call.put_u32(written_at, written))
}

fn fdstat_get(call: &mut HostCall<'_>) -> Answer {
    if !is_standard(call.u32(0)) {
        return code(BADF);
    }
    let mut stat = [0; 24];
    stat[8] = 64; // The right to write.
    // Envoy does not check whether this write succeeds.
    let _ = call.write(call.u32(1), &stat);
    Ok(())
}

fn renumber(call: &mut HostCall<'_>) -> Answer {
    code(if is_standard(call.u32(0)) && is_standard(call.u32(1)) { NOTSUP } else { BADF })
}

fn tell(call: &mut HostCall<'_>) -> Answer {
    standard_stream(call)?;
    or_fault(call.put_u64(1, 0))
}

fn sock_accept(call: &mut HostCall<'_>) -> Answer {
    or_fault(call.put_u32(2, u32::MAX))?;
    code(NOTSUP)
}

fn sock_recv(call: &mut HostCall<'_>) -> Answer {
    or_fault(call.put_u32(4, 0))?;
    none_at(call, 5, NOTSUP)
}

fn environment(call: &mut HostCall<'_>) -> Vec<Vec<u8>> {
    let vm = call.vm();
    let pairs = call.world().vms[vm].environment.clone();
    pairs.iter().map(|(name, value)| format!("{name}={value}\0").into_bytes()).collect()
}

fn environ_get(call: &mut HostCall<'_>) -> Answer {
    let (mut places, mut buffer) = (call.u32(0), call.u32(1));
    for variable in environment(call) {
        or_fault(call.write(places, &buffer.to_le_bytes()))?;
        or_fault(call.write(buffer, &variable))?;
        places = places.wrapping_add(4);
        buffer = buffer.wrapping_add(variable.len() as u32);
    }
    Ok(())
}

fn environ_sizes_get(call: &mut HostCall<'_>) -> Answer {
    let variables = environment(call);
    or_fault(call.put_u32(0, variables.len() as u32))?;
    or_fault(call.put_u32(1, variables.iter().map(Vec::len).sum::<usize>() as u32))
}

fn args_sizes_get(call: &mut HostCall<'_>) -> Answer {
    or_fault(call.put_u32(0, 0))?;
    or_fault(call.put_u32(1, 0))
}

fn clock_time_get(call: &mut HostCall<'_>) -> Answer {
    let time = match call.u32(0) {
        0 => call.world().clock.unix_nanos(),
        // The monotonic clock counts from the start of the machine, which is never the current moment.
        1 => (call.world().clock.now() + UPTIME_AT_START).as_nanos() as u64,
        _ => return code(NOTSUP),
    };
    or_fault(call.put_u64(2, time))
}

fn clock_res_get(call: &mut HostCall<'_>) -> Answer {
    match call.u32(0) {
        0 | 1 => or_fault(call.put_u64(1, 1)),
        _ => code(NOTSUP),
    }
}

fn random_get(call: &mut HostCall<'_>) -> Answer {
    let (to, length) = (call.u32(0), call.u32(1));
    if length > RANDOM_LIMIT {
        return code(INVAL);
    }
    if length == 0 {
        return Ok(()); // Envoy does not check the address of an empty buffer.
    }
    let thread = call.thread();
    let bytes = call.world().random_of(thread).bytes(length as usize);
    or_fault(call.write(to, &bytes))
}

fn proc_exit(call: &mut HostCall<'_>) -> Answer {
    Err(Fail::Stop(Stop(format!("proc_exit({})", call.u32(0)))))
}
