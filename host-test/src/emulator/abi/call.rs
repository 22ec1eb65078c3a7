//! One host call: its arguments, and its way into guest memory.

use crate::emulator::context::Context;
use crate::emulator::faults::Shortage;
use crate::emulator::linking::AbiVersion;
use crate::emulator::schedule::Touch;
use crate::emulator::state::Status;
use crate::emulator::trace::value;
use crate::emulator::traps::Failure;
use crate::emulator::vm::{HostState, Restriction};
use crate::emulator::world::World;
use wasmtime::{Caller, Engine, FuncType, ValType};

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

/// What a host call is about to touch of that which threads share.
pub(crate) type Touches = fn(&mut HostCall<'_>) -> Result<Touch, Fail>;

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
    /// What it touches of that which threads share, if it does.
    pub touches: Option<Touches>,
    pub run: fn(&mut HostCall<'_>) -> Answer,
}

impl Signature {
    /// A call of every version of the ABI.
    pub const fn proxy(name: &'static str, args: &'static str, run: fn(&mut HostCall<'_>) -> Answer) -> Self {
        let (since, until) = (AbiVersion::V0_1_0, AbiVersion::V0_2_1);
        Self { name, args, modules: &["env"], since, until, returns: true, early: false, touches: None, run }
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

    /// The same, which touches something that threads share. A call with arguments for which that fails touches nothing.
    pub const fn touching(mut self, what: Touches) -> Self {
        self.touches = Some(what);
        self
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

/// Arguments that no host call has more of.
pub(super) const MOST: usize = 12;

/// A host call under way.
pub(crate) struct HostCall<'a> {
    pub caller: Caller<'a, HostState>,
    pub(super) args: [u64; MOST],
    /// What the trace will say of it, if there is one.
    pub(super) told: Option<Vec<u8>>,
    /// It waited for its turn.
    pub(super) waited: bool,
}

impl HostCall<'_> {
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

    /// The thread it runs on.
    pub fn thread(&self) -> usize {
        let data = self.caller.data();
        data.world.thread_of(data.vm)
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

    /// The context whose callback is running, whichever is in effect.
    pub fn current_id(&self) -> u32 {
        self.caller.data().current
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

    /// Hands out pairs, as [`pairs::encode`](crate::emulator::state::pairs::encode) writes them.
    pub fn give_pairs(&mut self, bytes: &[u8], at: usize) -> Answer {
        self.tell(|data| value::serialised_pairs(data, bytes));
        self.hand_out(bytes, at)
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
