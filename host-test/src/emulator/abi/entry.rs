//! The way into a host call: what the engine hands over, what goes into the trace, whose turn it is, the fault in its
//! place.

use super::call::{Answer, Fail, HostCall, MOST, Signature, Stop, answer};
use crate::emulator::faults::Effect;
use crate::emulator::schedule::{self, Touch};
use crate::emulator::trace::{Record, value};
use crate::emulator::vm::{HostState, Restriction};
use std::mem::MaybeUninit;
use wasmtime::{Caller, ValRaw};

/// A host call as the linker has it: what its signature says, read once.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub signature: &'static Signature,
    kinds: Vec<Kind>,
}

/// The kind of an argument that goes in.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Number,
    Long,
    Bytes,
    Pairs,
    /// Says where a result goes, in so many arguments.
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

/// Runs a host call: what it is asked goes into the trace, the fault in its place or the call itself is carried out,
/// and what came of it goes into the trace as well. `args` is where the engine has put the arguments of the prepared
/// signature, and where it takes the result from.
pub(crate) fn enter(
    prepared: &Prepared,
    caller: Caller<'_, HostState>,
    values: &mut [MaybeUninit<ValRaw>],
) -> wasmtime::Result<()> {
    let signature = prepared.signature;
    let mut args = [0; MOST];
    let mut at = 0;
    for kind in &prepared.kinds {
        let count = if let Kind::Bytes | Kind::Pairs | Kind::Place(2) = kind { 2 } else { 1 };
        for _ in 0..count {
            // SAFETY: the engine initialises all arguments of the function's type, which `Signature::ty` makes of the
            // same parts in the same order, and it is the member of that type which is read.
            args[at] = unsafe {
                let raw = values[at].assume_init_ref();
                if matches!(kind, Kind::Long) { raw.get_u64() } else { u64::from(raw.get_u32()) }
            };
            at += 1;
        }
    }
    let mut call = HostCall { caller, args, told: None, waited: false };
    call.record(prepared);
    // What changes with the call is read before it.
    let (thread, context) = call.whereabouts();
    let outcome = call.carry_out(signature);
    let end = match &outcome {
        Ok(()) => Ok(0),
        Err(Fail::Code(code)) => Ok(*code),
        Err(Fail::Stop(stop)) => Err(stop.0.clone()),
    };
    if let Some(data) = call.told.take() {
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
    /// The call, or the fault in its place.
    fn carry_out(&mut self, signature: &'static Signature) -> Answer {
        let allowed = match self.caller.data().restricted {
            Restriction::None => true,
            // It looks for the memory only when the module is instantiated.
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
            Some(Effect::Trap) => Err(Fail::Stop(Stop(format!("ordered by the test in {}", signature.name)))),
            None => (signature.run)(self),
        }
    }

    /// Waits for a turn, if the call touches what threads share and there are turns.
    fn wait(&mut self, signature: &Signature) {
        if self.world().baton.is_none() {
            return;
        }
        let touch = if self.world().faults.counts(signature.name) {
            Some(Touch::everything())
        } else {
            signature.touches.and_then(|touches| touches(self).ok())
        };
        let Some(touch) = touch else { return };
        let thread = self.thread();
        schedule::wait(&mut self.caller.data_mut().world, thread, touch);
        self.waited = true;
    }

    /// Writes down what came of it.
    fn note(&mut self, record: Record) {
        let waited = self.waited;
        let world = self.world();
        if let Some(baton) = world.baton.as_mut().filter(|_| waited) {
            baton.calls.push(record.line());
        }
        world.trace.push(record);
    }

    /// Writes down what the call is asked.
    fn record(&mut self, prepared: &Prepared) {
        if !self.world().trace.is_on() && self.world().baton.is_none() {
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
        self.told = Some(data);
    }

    /// Which thread and context it is on.
    fn whereabouts(&self) -> (usize, u32) {
        let data = self.caller.data();
        let context = if data.effective == 0 { data.current } else { data.effective };
        (data.world.thread_of(data.vm), context)
    }
}
