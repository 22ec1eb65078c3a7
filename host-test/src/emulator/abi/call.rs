//! One host call: its arguments, its way into guest memory, its line in the trace.

use crate::emulator::context::Context;
use crate::emulator::faults::{Effect, Shortage};
use crate::emulator::linking::AbiVersion;
use crate::emulator::state::{Status, pairs};
use crate::emulator::trace::{Record, value};
use crate::emulator::traps::Failure;
use crate::emulator::vm::{HostState, Restriction};
use crate::emulator::world::World;
use std::mem::MaybeUninit;
use wasmtime::{Caller, Engine, FuncType, ValRaw, ValType};

/// Why a call does not answer 0.
#[derive(Debug)]
pub(crate) enum Fail {
    /// A status of the ABI, or an error number of WASI.
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

/// What a host call comes to.
pub(crate) type Answer = Result<(), Fail>;

/// A status as an answer.
pub(crate) fn answer(status: Status) -> Answer {
    match status {
        Status::Ok => Ok(()),
        other => Err(other.into()),
    }
}

/// A host call that a module may import. `args` names the arguments and says what they are: `u` a number, `l` one of
/// 64 bits, `b` bytes and `p` pairs (a pointer and a length), `o` a pointer to a result, `O` two of them.
#[derive(Debug)]
pub(crate) struct Signature {
    pub name: &'static str,
    pub args: &'static str,
    pub modules: &'static [&'static str],
    pub since: AbiVersion,
    pub until: AbiVersion,
    pub returns: bool,
    /// Whether it may be called while the module starts or allocates.
    pub early: bool,
    pub run: fn(&mut HostCall<'_>) -> Answer,
}

impl Signature {
    /// A call of every version of the ABI.
    pub const fn proxy(name: &'static str, args: &'static str, run: fn(&mut HostCall<'_>) -> Answer) -> Self {
        let (since, until) = (AbiVersion::V0_1_0, AbiVersion::V0_2_1);
        Self { name, args, modules: &["env"], since, until, returns: true, early: false, run }
    }

    /// The same, not before a version.
    pub const fn since(mut self, abi: AbiVersion) -> Self {
        self.since = abi;
        self
    }

    /// The same, not after a version.
    pub const fn until(mut self, abi: AbiVersion) -> Self {
        self.until = abi;
        self
    }

    /// The names of the arguments that go in.
    pub fn inputs(&self) -> impl Iterator<Item = &'static str> {
        self.parts().filter(|(_, kind)| !matches!(*kind, "o" | "O")).map(|(name, _)| name)
    }

    /// The arguments: name and kind.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.args.split_whitespace().filter_map(|part| part.split_once(':'))
    }

    /// Its type.
    pub fn ty(&self, engine: &Engine) -> FuncType {
        let params = self.parts().flat_map(|(_, kind)| match kind {
            "l" => vec![ValType::I64],
            "b" | "p" | "O" => vec![ValType::I32, ValType::I32],
            _ => vec![ValType::I32],
        });
        FuncType::new(engine, params, self.returns.then_some(ValType::I32))
    }
}

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

/// Arguments that no host call has more of.
const MOST: usize = 12;

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
    let mut call = HostCall { caller, args, told: None };
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
        call.world().trace.push(Record { signature, thread, context, callback, data, end: end.clone() });
    }
    if let Err(Fail::Stop(stop)) = outcome {
        return Err(wasmtime::Error::from(stop));
    }
    if signature.returns {
        values[0].write(ValRaw::u32(end.unwrap_or_default()));
    }
    Ok(())
}

/// A host call under way.
pub(crate) struct HostCall<'a> {
    pub caller: Caller<'a, HostState>,
    args: [u64; MOST],
    /// What the trace will say of it, if there is one.
    told: Option<Vec<u8>>,
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
        match self.world().faults.call(signature.name) {
            Some(Effect::Answer(status)) => answer(status),
            Some(Effect::Number(0)) => Ok(()),
            Some(Effect::Number(number)) => Err(Fail::Code(number)),
            Some(Effect::Trap) => Err(Fail::Stop(Stop(format!("ordered by the test in {}", signature.name)))),
            None => (signature.run)(self),
        }
    }

    /// Writes down what the call is asked.
    fn record(&mut self, prepared: &Prepared) {
        if !self.world().trace.is_on() {
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

    /// A number.
    pub fn u32(&self, at: usize) -> u32 {
        self.args[at] as u32
    }

    /// A number of 64 bits.
    pub fn u64(&self, at: usize) -> u64 {
        self.args[at]
    }

    /// All there is.
    pub fn world(&mut self) -> &mut World {
        &mut self.caller.data_mut().world
    }

    /// The VM that calls.
    pub fn vm(&self) -> usize {
        self.caller.data().vm
    }

    /// The context the call is about: the effective one, as long as it exists, or else the one that was called.
    pub fn context_id(&self) -> u32 {
        let data = self.caller.data();
        match data.effective {
            0 => data.current,
            id if data.world.context(data.vm, id).is_some() => id,
            _ => data.current,
        }
    }

    /// That context.
    pub fn context(&mut self) -> &mut Context {
        let (vm, id) = (self.vm(), self.context_id());
        self.world().context_mut(vm, id)
    }

    /// The id of its root context.
    pub fn root_id(&mut self) -> u32 {
        let id = self.context_id();
        match self.context().parent {
            0 => id,
            parent => parent,
        }
    }

    /// Reads a pointer and a length.
    pub fn bytes(&mut self, at: usize) -> Result<Vec<u8>, Fail> {
        self.read(self.u32(at), self.u32(at + 1))
    }

    /// The same, as text; what is no UTF-8 is replaced, for names that are looked up.
    pub fn text(&mut self, at: usize) -> Result<String, Fail> {
        self.bytes(at).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads guest memory.
    pub fn read(&mut self, from: u32, length: u32) -> Result<Vec<u8>, Fail> {
        self.slice(from, length).map(<[u8]>::to_vec)
    }

    fn slice(&self, from: u32, length: u32) -> Result<&[u8], Fail> {
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

    /// Writes a number where the argument points.
    pub fn put_u32(&mut self, at: usize, value: u32) -> Answer {
        self.tell(|data| value::number(data, value.into()));
        self.write(self.u32(at), &value.to_le_bytes())
    }

    /// Writes a number of 64 bits where the argument points.
    pub fn put_u64(&mut self, at: usize, value: u64) -> Answer {
        self.tell(|data| value::number(data, value));
        self.write(self.u32(at), &value.to_le_bytes())
    }

    /// Hands out bytes: in memory that the module allocates, with their place and length where the two arguments
    /// point. Nothing is allocated for no bytes.
    pub fn give(&mut self, bytes: &[u8], at: usize) -> Answer {
        self.tell(|data| value::bytes(data, bytes));
        self.hand_out(bytes, at)
    }

    /// Hands out pairs.
    pub fn give_pairs(&mut self, list: &[(Vec<u8>, Vec<u8>)], at: usize) -> Answer {
        let bytes = pairs::encode(list);
        self.tell(|data| value::serialised_pairs(data, &bytes));
        self.hand_out(&bytes, at)
    }

    fn tell(&mut self, what: impl FnOnce(&mut Vec<u8>)) {
        if let Some(data) = self.told.as_mut() {
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
                let reason = "the allocator failed: ordered by the test".into();
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
                let Failure { reason, frames } = Failure::of(&error);
                let reason = format!("the allocator failed: {reason}");
                return Err(self.break_vm(Failure { reason, frames }));
            }
        };
        if place == 0 {
            return Err(Status::InvalidMemoryAccess.into());
        }
        self.write(place, bytes)?;
        Ok(place)
    }

    /// The allocator trapped. What called it is told that there is no memory, and goes on; the VM is lost when the
    /// callback returns, or traps.
    fn break_vm(&mut self, failure: Failure) -> Fail {
        self.caller.data_mut().broken.get_or_insert(failure);
        Status::InvalidMemoryAccess.into()
    }
}
