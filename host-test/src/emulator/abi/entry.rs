//! The entry into a host call: reads the arguments, records the trace, waits for the thread's turn, and
//! applies faults.

use super::call::{Answer, Fail, HostCall, MAX_ARGS, Signature, Stop, answer};
use crate::emulator::faults::Effect;
use crate::emulator::schedule::{self, SharedAccess};
use crate::emulator::trace::{Record, value};
use crate::emulator::vm::{HostState, Restriction};
use std::mem::MaybeUninit;
use wasmtime::{Caller, ValRaw};

/// A host call in the linker, with its signature parsed once.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub signature: &'static Signature,
    kinds: Vec<Kind>,
}

/// The kind of an argument.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Number,
    Long,
    Bytes,
    Pairs,
    /// The address of a result, in this number of arguments.
    Place(usize),
}

impl From<&'static Signature> for Prepared {
    fn from(signature: &'static Signature) -> Self {
        let kinds = signature.parts().map(|(_, kind)| match kind {
            "l" => Kind::Long,
            "b" => Kind::Bytes,
            "p" => Kind::Pairs,
            "o" => Kind::Place(1),
            "O" => Kind::Place(2),
            _ => Kind::Number,
        });
        Self { signature, kinds: kinds.collect() }
    }
}

/// Runs a host call. Records the arguments in the trace, executes the call or the fault that replaces it, and
/// records the result. `values` holds the arguments of the prepared signature, and receives the result.
pub(crate) fn enter(
    prepared: &Prepared,
    caller: Caller<'_, HostState>,
    values: &mut [MaybeUninit<ValRaw>],
) -> wasmtime::Result<()> {
    let signature = prepared.signature;
    let mut args = [0; MAX_ARGS];
    let mut at = 0;
    for kind in &prepared.kinds {
        let count = if let Kind::Bytes | Kind::Pairs | Kind::Place(2) = kind { 2 } else { 1 };
        for _ in 0..count {
            // SAFETY: the engine initialises all arguments of the function's type. `Signature::ty` builds
            // that type from the same parts in the same order, and the union member of that type is read.
            args[at] = unsafe {
                let raw = values[at].assume_init_ref();
                if matches!(kind, Kind::Long) { raw.get_u64() } else { u64::from(raw.get_u32()) }
            };
            at += 1;
        }
    }
    let mut call = HostCall { caller, args, trace_data: None, waited: false };
    call.record(prepared);
    // The call may change these, so they are read before it.
    let (thread, context) = call.thread_and_context();
    let outcome = call.execute(signature);
    let end = match &outcome {
        Ok(()) => Ok(0),
        Err(Fail::Code(code)) => Ok(*code),
        Err(Fail::Stop(stop)) => Err(stop.0.clone()),
    };
    if let Some(data) = call.trace_data.take() {
        let callback = call.caller.data().callback;
        call.note(Record { signature, thread, context, callback, data, end: end.clone() });
    }
    if let Err(Fail::Stop(stop)) = outcome {
        return Err(wasmtime::Error::from(stop));
    }
    if signature.returns {
        values[0].write(ValRaw::u32(end.unwrap_or_default()));
    }
    Ok(())
}

impl HostCall<'_> {
    /// Executes the call, or the fault that replaces it.
    fn execute(&mut self, signature: &'static Signature) -> Answer {
        let allowed = match self.caller.data().restricted {
            Restriction::None => true,
            // Envoy obtains the module's memory only after it has instantiated the module.
            Restriction::Instantiating => {
                let why = "Envoy crashes (segmentation fault): a host call in the start section".to_owned();
                return Err(Fail::Stop(Stop(why)));
            }
            Restriction::Starting => signature.early,
            // proxy-wasm-cpp-host, `src/wasm.cc`, allocMemory.
            Restriction::Allocating => {
                matches!(signature.name, "proxy_log" | "fd_write" | "clock_time_get")
            }
        };
        if !allowed {
            return Err(Fail::Stop(Stop(format!("restricted_callback: {}", signature.name))));
        }
        self.wait(signature);
        match self.world().faults.call(signature.name) {
            Some(Effect::Answer(status)) => answer(status),
            Some(Effect::Number(0)) => Ok(()),
            Some(Effect::Number(number)) => Err(Fail::Code(number)),
            Some(Effect::Trap) => {
                Err(Fail::Stop(Stop(format!("trapped by an injected fault in {}", signature.name))))
            }
            None => (signature.run)(self),
        }
    }

    /// Waits for the thread's turn, if threads take turns and the call uses a shared resource.
    fn wait(&mut self, signature: &Signature) {
        if self.world().interleaving.is_none() {
            return;
        }
        let access = if self.world().faults.counts(signature.name) {
            Some(SharedAccess::everything())
        } else {
            signature.shared_access.and_then(|shared_access| shared_access(self).ok())
        };
        let Some(access) = access else { return };
        let thread = self.thread();
        schedule::wait(&mut self.caller.data_mut().world, thread, access);
        self.waited = true;
    }

    /// Records a finished call.
    fn note(&mut self, record: Record) {
        let waited = self.waited;
        let world = self.world();
        if let Some(interleaving) = world.interleaving.as_mut().filter(|_| waited) {
            interleaving.calls.push(record.line());
        }
        world.trace.push(record);
    }

    /// Records the arguments of the call.
    fn record(&mut self, prepared: &Prepared) {
        if !self.world().trace.is_on() && self.world().interleaving.is_none() {
            return;
        }
        let mut data = self.world().trace.buffer();
        let mut at = 0;
        for kind in &prepared.kinds {
            match kind {
                Kind::Number => value::number(&mut data, self.args[at]),
                Kind::Long => value::signed(&mut data, self.args[at]),
                Kind::Place(count) => {
                    at += count;
                    continue;
                }
                Kind::Bytes | Kind::Pairs => {
                    let (from, length) = (self.u32(at), self.u32(at + 1));
                    match (kind, self.slice(from, length)) {
                        (_, Err(_)) => value::wild(&mut data, from, length),
                        (Kind::Pairs, Ok(list)) => value::serialised_pairs(&mut data, list),
                        (_, Ok(bytes)) => value::bytes(&mut data, bytes),
                    }
                    at += 1;
                }
            }
            at += 1;
        }
        self.trace_data = Some(data);
    }

    /// Returns the thread and the context of the call.
    fn thread_and_context(&self) -> (usize, u32) {
        let data = self.caller.data();
        let context = if data.effective == 0 { data.current } else { data.effective };
        (data.world.thread_of(data.vm), context)
    }
}
