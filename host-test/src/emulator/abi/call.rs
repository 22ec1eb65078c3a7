//! A running host call: its arguments, and its access to guest memory.

use crate::emulator::context::Context;
use crate::emulator::faults::Shortage;
use crate::emulator::linking::AbiVersion;
use crate::emulator::schedule::SharedAccess;
use crate::emulator::state::Status;
use crate::emulator::trace::value;
use crate::emulator::traps::{ALLOCATOR, Failure};
use crate::emulator::vm::{HostState, Restriction};
use crate::emulator::world::World;
use wasmtime::{Caller, Engine, FuncType, ValType};

/// Why a host call does not return 0.
#[derive(Debug)]
pub(crate) enum Fail {
    /// A status of the ABI, or a WASI error number.
    Code(u32),
    /// The VM is stopped.
    Stop(Stop),
}

/// Stops the VM from within a host call.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Stop(pub String);

impl From<Status> for Fail {
    fn from(status: Status) -> Self {
        Fail::Code(status as u32)
    }
}

/// The outcome of a host call.
pub(crate) type Answer = Result<(), Fail>;

/// Returns the shared resource that a host call is about to use.
pub(crate) type SharedAccessFn = fn(&mut HostCall<'_>) -> Result<SharedAccess, Fail>;

/// Converts a status into an outcome.
pub(crate) fn answer(status: Status) -> Answer {
    match status {
        Status::Ok => Ok(()),
        other => Err(other.into()),
    }
}

/// A host call that a module may import. `args` lists the names and kinds of the arguments: `u` a number, `l`
/// a 64-bit number, `b` bytes and `p` pairs (each a pointer and a length), `o` a pointer to a result, `O` two
/// such pointers.
#[derive(Debug)]
pub(crate) struct Signature {
    pub name: &'static str,
    pub args: &'static str,
    pub modules: &'static [&'static str],
    pub since: AbiVersion,
    pub until: AbiVersion,
    pub returns: bool,
    /// Whether the call is allowed while the module starts or allocates.
    pub early: bool,
    /// The shared resource that the call uses, if any.
    pub shared_access: Option<SharedAccessFn>,
    pub run: fn(&mut HostCall<'_>) -> Answer,
}

impl Signature {
    /// A call that exists in every version of the ABI.
    pub const fn proxy(name: &'static str, args: &'static str, run: fn(&mut HostCall<'_>) -> Answer) -> Self {
        let (since, until) = (AbiVersion::V0_1_0, AbiVersion::V0_2_1);
        Self {
            name,
            args,
            modules: &["env"],
            since,
            until,
            returns: true,
            early: false,
            shared_access: None,
            run,
        }
    }

    /// Limits the call to this ABI version and later ones.
    pub const fn since(mut self, abi: AbiVersion) -> Self {
        self.since = abi;
        self
    }

    /// Limits the call to this ABI version and earlier ones.
    pub const fn until(mut self, abi: AbiVersion) -> Self {
        self.until = abi;
        self
    }

    /// Returns the names of the input arguments.
    pub fn inputs(&self) -> impl Iterator<Item = &'static str> {
        self.parts().filter(|(_, kind)| !matches!(*kind, "o" | "O")).map(|(name, _)| name)
    }

    /// Marks the call as one that uses a shared resource. If `what` fails for the arguments, the call uses
    /// none.
    pub const fn accessing(mut self, what: SharedAccessFn) -> Self {
        self.shared_access = Some(what);
        self
    }

    /// Returns the name and kind of each argument.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.args.split_whitespace().filter_map(|part| part.split_once(':'))
    }

    /// Returns the Wasm type of the call.
    pub fn ty(&self, engine: &Engine) -> FuncType {
        let params = self.parts().flat_map(|(_, kind)| match kind {
            "l" => vec![ValType::I64],
            "b" | "p" | "O" => vec![ValType::I32, ValType::I32],
            _ => vec![ValType::I32],
        });
        FuncType::new(engine, params, self.returns.then_some(ValType::I32))
    }
}

/// The largest number of arguments of any host call.
pub(super) const MAX_ARGS: usize = 12;

/// A running host call.
pub(crate) struct HostCall<'a> {
    pub caller: Caller<'a, HostState>,
    pub(super) args: [u64; MAX_ARGS],
    /// The arguments and results for the trace, if the call is traced.
    pub(super) trace_data: Option<Vec<u8>>,
    /// Whether the call waited for its turn.
    pub(super) waited: bool,
}

impl HostCall<'_> {
    /// Returns a 32-bit argument.
    pub fn u32(&self, at: usize) -> u32 {
        self.args[at] as u32
    }

    /// Returns a 64-bit argument.
    pub fn u64(&self, at: usize) -> u64 {
        self.args[at]
    }

    /// Returns the whole state.
    pub fn world(&mut self) -> &mut World {
        &mut self.caller.data_mut().world
    }

    /// Returns the index of the calling VM.
    pub fn vm(&self) -> usize {
        self.caller.data().vm
    }

    /// Returns the thread of the calling VM.
    pub fn thread(&self) -> usize {
        let data = self.caller.data();
        data.world.thread_of(data.vm)
    }

    /// Returns the context that the call applies to: the effective context if it exists, otherwise the
    /// context that was called.
    pub fn context_id(&self) -> u32 {
        let data = self.caller.data();
        match data.effective {
            0 => data.current,
            id if data.world.context(data.vm, id).is_some() => id,
            _ => data.current,
        }
    }

    /// Returns the context whose callback is running, even if another context is effective.
    pub fn current_id(&self) -> u32 {
        self.caller.data().current
    }

    /// Returns the context that the call applies to.
    pub fn context(&mut self) -> &mut Context {
        let (vm, id) = (self.vm(), self.context_id());
        self.world().context_mut(vm, id)
    }

    /// Returns the id of that context's root context.
    pub fn root_id(&mut self) -> u32 {
        let id = self.context_id();
        match self.context().parent {
            0 => id,
            parent => parent,
        }
    }

    /// Reads the bytes that a pointer and a length describe.
    pub fn bytes(&mut self, at: usize) -> Result<Vec<u8>, Fail> {
        self.read(self.u32(at), self.u32(at + 1))
    }

    /// Reads text, for names that are looked up. Invalid UTF-8 is replaced.
    pub fn text(&mut self, at: usize) -> Result<String, Fail> {
        self.bytes(at).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads guest memory.
    pub fn read(&mut self, from: u32, length: u32) -> Result<Vec<u8>, Fail> {
        self.slice(from, length).map(<[u8]>::to_vec)
    }

    pub(super) fn slice(&self, from: u32, length: u32) -> Result<&[u8], Fail> {
        let memory = self.caller.data().memory.ok_or(Status::InvalidMemoryAccess)?;
        let start = from as usize;
        let bytes = memory.data(&self.caller).get(start..start + length as usize);
        bytes.ok_or_else(|| Status::InvalidMemoryAccess.into())
    }

    /// Writes guest memory.
    pub fn write(&mut self, to: u32, bytes: &[u8]) -> Answer {
        let memory = self.caller.data().memory.ok_or(Status::InvalidMemoryAccess)?;
        memory.write(&mut self.caller, to as usize, bytes).map_err(|_| Status::InvalidMemoryAccess.into())
    }

    /// Writes a 32-bit result to the address in an argument.
    pub fn put_u32(&mut self, at: usize, value: u32) -> Answer {
        self.record_result(|data| value::number(data, value.into()));
        self.write(self.u32(at), &value.to_le_bytes())
    }

    /// Writes a 64-bit result to the address in an argument.
    pub fn put_u64(&mut self, at: usize, value: u64) -> Answer {
        self.record_result(|data| value::number(data, value));
        self.write(self.u32(at), &value.to_le_bytes())
    }

    /// Returns bytes to the module: copies them into memory that the module allocates, and writes their
    /// address and length to the addresses in the two arguments. Empty bytes are not allocated.
    pub fn give(&mut self, bytes: &[u8], at: usize) -> Answer {
        self.record_result(|data| value::bytes(data, bytes));
        self.hand_out(bytes, at)
    }

    /// Returns pairs to the module, as encoded by [`pairs::encode`](crate::emulator::state::pairs::encode).
    pub fn give_pairs(&mut self, bytes: &[u8], at: usize) -> Answer {
        self.record_result(|data| value::serialised_pairs(data, bytes));
        self.hand_out(bytes, at)
    }

    fn record_result(&mut self, what: impl FnOnce(&mut Vec<u8>)) {
        if let Some(data) = self.trace_data.as_mut() {
            what(data);
        }
    }

    fn hand_out(&mut self, bytes: &[u8], at: usize) -> Answer {
        let place = if bytes.is_empty() { 0 } else { self.allocate(bytes)? };
        self.write(self.u32(at), &place.to_le_bytes())?;
        self.write(self.u32(at + 1), &(bytes.len() as u32).to_le_bytes())
    }

    /// Copies bytes into memory that the module allocates.
    pub fn allocate(&mut self, bytes: &[u8]) -> Result<u32, Fail> {
        match self.world().faults.allocation() {
            Some(Shortage::Null) => return Err(Status::InvalidMemoryAccess.into()),
            Some(Shortage::Trap) => {
                let reason = format!("{ALLOCATOR}: injected fault");
                return Err(self.break_vm(Failure { reason, frames: Vec::new() }));
            }
            None => {}
        }
        let state = self.caller.data_mut();
        let allocator = state.allocate.clone().ok_or(Status::InvalidMemoryAccess)?;
        let before = (state.restricted, state.current, state.effective);
        (state.restricted, state.current, state.effective) = (Restriction::Allocating, 0, 0);
        let place = allocator.call(&mut self.caller, bytes.len() as u32);
        let state = self.caller.data_mut();
        (state.restricted, state.current, state.effective) = before;
        let place = match place {
            Ok(place) => place,
            Err(error) => {
                let Failure { reason, frames } = Failure::from_error(&error);
                let reason = format!("{ALLOCATOR}: {reason}");
                return Err(self.break_vm(Failure { reason, frames }));
            }
        };
        if place == 0 {
            return Err(Status::InvalidMemoryAccess.into());
        }
        self.write(place, bytes)?;
        Ok(place)
    }

    /// The allocator trapped. The host call that needed it fails, and its callback continues. The VM fails
    /// when the callback returns or traps.
    fn break_vm(&mut self, failure: Failure) -> Fail {
        self.caller.data_mut().broken.get_or_insert(failure);
        Status::InvalidMemoryAccess.into()
    }
}
