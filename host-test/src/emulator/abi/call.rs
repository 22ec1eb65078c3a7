//! One host call: its arguments, its way into guest memory, its line in the trace.

use crate::emulator::context::Context;
use crate::emulator::linking::AbiVersion;
use crate::emulator::state::{Status, pairs};
use crate::emulator::trace::{Effect, show, show_pairs};
use crate::emulator::vm::{HostState, Restriction};
use crate::emulator::world::World;
use wasmtime::{Caller, Engine, FuncType, Val, ValType};

/// Pairs as they cross the border.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

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
    pub run: fn(&mut HostCall<'_, '_>) -> Answer,
}

impl Signature {
    /// A call of every version of the ABI.
    pub const fn proxy(
        name: &'static str,
        args: &'static str,
        run: fn(&mut HostCall<'_, '_>) -> Answer,
    ) -> Self {
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

/// Runs a host call: its line in the trace, the fault in its place, the call.
pub(crate) fn enter(
    signature: &'static Signature,
    caller: Caller<'_, HostState>,
    args: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let args: Vec<u64> = args
        .iter()
        .map(|arg| match arg {
            Val::I64(v) => v.cast_unsigned(),
            other => u64::from(other.i32().unwrap_or(0).cast_unsigned()),
        })
        .collect();
    let mut call = HostCall { caller, args: &args, told: Vec::new() };
    let line = call.line(signature);
    let allowed = match call.caller.data().restricted {
        Restriction::None => true,
        Restriction::Starting => signature.early,
        Restriction::Allocating => signature.name == "proxy_log",
    };
    let outcome = if allowed {
        match call.world().faults.strike(signature.name) {
            Some(Effect::Answer(status)) => answer(status),
            Some(Effect::Trap) => Err(Fail::Stop(Stop(format!("ordered by the test in {}", signature.name)))),
            None => (signature.run)(&mut call),
        }
    } else {
        Err(Fail::Stop(Stop(format!("restricted_callback: {}", signature.name))))
    };
    let code = match outcome {
        Ok(()) => 0,
        Err(Fail::Code(code)) => code,
        Err(Fail::Stop(stop)) => {
            let line = format!("{line} -> {stop}");
            call.world().trace.push(line);
            return Err(wasmtime::Error::from(stop));
        }
    };
    let told = call.told.iter().map(|t| format!(" {t}")).collect::<String>();
    let shown = if signature.name.starts_with("proxy_") {
        Status::ALL.get(code as usize).map_or_else(|| code.to_string(), |s| format!("{s:?}"))
    } else {
        code.to_string()
    };
    call.world().trace.push(format!("{line} -> {shown}{told}"));
    if let Some(result) = results.first_mut() {
        *result = Val::I32(code.cast_signed());
    }
    Ok(())
}

/// A host call under way.
pub(crate) struct HostCall<'a, 'b> {
    pub caller: Caller<'a, HostState>,
    args: &'b [u64],
    told: Vec<String>,
}

impl HostCall<'_, '_> {
    fn line(&mut self, signature: &Signature) -> String {
        let mut at = 0;
        let mut shown = Vec::new();
        for (name, kind) in signature.parts() {
            let text = match kind {
                "b" => self.bytes(at).map_or_else(|_| self.wild(at), |bytes| show(&bytes)),
                "p" => {
                    self.bytes(at).map_or_else(|_| self.wild(at), |bytes| show_pairs(&pairs::decode(&bytes)))
                }
                "l" => self.u64(at).cast_signed().to_string(),
                "o" | "O" => String::new(),
                _ => self.u32(at).to_string(),
            };
            if !text.is_empty() {
                shown.push(format!("{name}={text}"));
            }
            at += if matches!(kind, "b" | "p" | "O") { 2 } else { 1 };
        }
        let data = self.caller.data();
        let context = if data.effective == 0 { data.current } else { data.effective };
        format!("[{}#{context}] {}({})", data.world.thread_of(data.vm), signature.name, shown.join(", "))
    }

    fn wild(&self, at: usize) -> String {
        format!("<{:#x}+{}>", self.u32(at), self.u32(at + 1))
    }

    /// A number.
    pub fn u32(&self, at: usize) -> u32 {
        self.args.get(at).map_or(0, |v| *v as u32)
    }

    /// A number of 64 bits.
    pub fn u64(&self, at: usize) -> u64 {
        self.args.get(at).copied().unwrap_or(0)
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
        let memory = self.caller.data().memory.ok_or(Status::InvalidMemoryAccess)?;
        let start = from as usize;
        let bytes = memory.data(&self.caller).get(start..start + length as usize);
        Ok(bytes.ok_or(Status::InvalidMemoryAccess)?.to_vec())
    }

    /// Writes guest memory.
    pub fn write(&mut self, to: u32, bytes: &[u8]) -> Answer {
        let memory = self.caller.data().memory.ok_or(Status::InvalidMemoryAccess)?;
        memory.write(&mut self.caller, to as usize, bytes).map_err(|_| Status::InvalidMemoryAccess.into())
    }

    /// Writes a number where the argument points.
    pub fn put_u32(&mut self, at: usize, value: u32) -> Answer {
        self.told.push(value.to_string());
        self.write(self.u32(at), &value.to_le_bytes())
    }

    /// Writes a number of 64 bits where the argument points.
    pub fn put_u64(&mut self, at: usize, value: u64) -> Answer {
        self.told.push(value.to_string());
        self.write(self.u32(at), &value.to_le_bytes())
    }

    /// Hands out bytes: in memory that the module allocates, with their place and length where the two arguments
    /// point. Nothing is allocated for no bytes.
    pub fn give(&mut self, bytes: &[u8], at: usize) -> Answer {
        self.told.push(show(bytes));
        let place = if bytes.is_empty() { 0 } else { self.allocate(bytes)? };
        self.write(self.u32(at), &place.to_le_bytes())?;
        self.write(self.u32(at + 1), &(bytes.len() as u32).to_le_bytes())
    }

    /// Hands out pairs.
    pub fn give_pairs(&mut self, list: &Pairs, at: usize) -> Answer {
        self.give(&pairs::encode(list), at)?;
        self.told.pop();
        self.told.push(show_pairs(list));
        Ok(())
    }

    /// Copies bytes into memory that the module allocates.
    pub fn allocate(&mut self, bytes: &[u8]) -> Result<u32, Fail> {
        let allocator = self.caller.data().allocate.ok_or(Status::InvalidMemoryAccess)?;
        let allocator = allocator.typed::<u32, u32>(&self.caller).map_err(|_| Status::InvalidMemoryAccess)?;
        let state = self.caller.data_mut();
        let (current, effective) = (state.current, state.effective);
        (state.restricted, state.current, state.effective) = (Restriction::Allocating, 0, 0);
        let place = allocator.call(&mut self.caller, bytes.len() as u32);
        let state = self.caller.data_mut();
        (state.restricted, state.current, state.effective) = (Restriction::None, current, effective);
        let place = place.map_err(|e| Fail::Stop(Stop(format!("the allocator failed: {e:#}"))))?;
        if place == 0 {
            return Err(Status::InvalidMemoryAccess.into());
        }
        self.write(place, bytes)?;
        Ok(place)
    }
}
