//! Scripts of the probe, and their encoding. `fixtures/probe/src/script.rs` decodes them.

pub mod calls;

/// A step of a script.
#[derive(Clone, Debug)]
pub enum Step {
    /// A host call. The probe logs its status and results.
    Call(String, Vec<Arg>),
    /// Returns this value from the callback. By default, stream callbacks return 0 and root context callbacks
    /// return 1.
    Return(u32),
    /// Traps the VM.
    Trap,
    /// Continues the script only if this argument of the callback has this value. The argument after the
    /// context is 0.
    OnlyIf(u8, u32),
    /// Continues the script only in the nth call of this callback for its context. The first call is 1.
    OnlyRun(u32),
}

/// An argument of a host call. A slot keeps a number for later calls of the same filter.
#[derive(Clone, Debug)]
pub enum Arg {
    /// A number, which may also be any pointer.
    Number(u64),
    /// Bytes, as a pointer and a length.
    Bytes(Vec<u8>),
    /// Output address of a 32-bit number. A slot keeps the number.
    Out32(Option<u8>),
    /// Output address of a 64-bit number.
    Out64,
    /// Output address of a 64-bit number. Logs only whether it is zero.
    OutSome64,
    /// Output addresses of a pointer and a length. A slot keeps the first four bytes.
    OutBytes(Option<u8>),
    /// Output addresses of a pointer and a length. Logs only the length.
    OutLength,
    /// The address of this many bytes of memory.
    Room(u32),
    /// The address of this many bytes of memory. Logs the bytes after the call.
    Filled(u32),
    /// Pieces of bytes in the form of WASI: a pointer to pointers and lengths, and the number of pieces.
    Pieces(Vec<Vec<u8>>),
    /// The number in a slot.
    Kept(u8),
    /// The number in a slot plus this number.
    KeptAnd(u8, u8),
    /// The number in a slot, as four bytes: a pointer and a length.
    KeptBytes(u8),
    /// The context of the last stream.
    Stream,
    /// The root context.
    Root,
}

impl From<u32> for Arg {
    fn from(n: u32) -> Self {
        Arg::Number(n.into())
    }
}

impl From<i32> for Arg {
    fn from(n: i32) -> Self {
        Arg::Number(n.cast_unsigned().into())
    }
}

impl From<i64> for Arg {
    fn from(n: i64) -> Self {
        Arg::Number(n.cast_unsigned())
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Arg::Bytes(text.into())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Arg::Bytes(text.into())
    }
}

impl From<&[u8]> for Arg {
    fn from(bytes: &[u8]) -> Self {
        Arg::Bytes(bytes.into())
    }
}

impl<const N: usize> From<&[u8; N]> for Arg {
    fn from(bytes: &[u8; N]) -> Self {
        Arg::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Arg {
    fn from(bytes: Vec<u8>) -> Self {
        Arg::Bytes(bytes)
    }
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

/// Encodes an entry of the probe's configuration: the key of a request, the name of a callback, and its
/// script.
pub fn entry(key: &str, callback: &str, steps: &[Step]) -> Vec<u8> {
    let mut script = Vec::new();
    for step in steps {
        match step {
            Step::Call(name, args) => {
                script.push(0);
                bytes(&mut script, name.as_bytes());
                script.push(args.len() as u8);
                args.iter().for_each(|arg| argument(&mut script, arg));
            }
            Step::Return(value) => {
                script.push(1);
                script.extend(value.to_le_bytes());
            }
            Step::Trap => script.push(2),
            Step::OnlyIf(argument, value) => {
                script.extend([3, *argument]);
                script.extend(value.to_le_bytes());
            }
            Step::OnlyRun(run) => {
                script.push(4);
                script.extend(run.to_le_bytes());
            }
        }
    }
    let mut out = Vec::new();
    bytes(&mut out, key.as_bytes());
    bytes(&mut out, callback.as_bytes());
    bytes(&mut out, &script);
    out
}

fn argument(out: &mut Vec<u8>, arg: &Arg) {
    let slot = |slot: &Option<u8>| slot.unwrap_or(u8::MAX);
    match arg {
        Arg::Number(n) => {
            out.push(0);
            out.extend(n.to_le_bytes());
        }
        Arg::Bytes(text) => {
            out.push(1);
            bytes(out, text);
        }
        Arg::Out32(to) => out.extend([2, slot(to)]),
        Arg::Out64 => out.push(3),
        Arg::OutSome64 => out.push(4),
        Arg::OutBytes(to) => out.extend([5, slot(to)]),
        Arg::OutLength => out.push(6),
        Arg::Room(size) => {
            out.push(7);
            out.extend(size.to_le_bytes());
        }
        Arg::Kept(from) => out.extend([8, *from]),
        Arg::KeptBytes(from) => out.extend([9, *from]),
        Arg::Stream => out.push(10),
        Arg::Root => out.push(11),
        Arg::Filled(size) => {
            out.push(12);
            out.extend(size.to_le_bytes());
        }
        Arg::KeptAnd(from, more) => out.extend([14, *from, *more]),
        Arg::Pieces(pieces) => {
            out.extend([13, pieces.len() as u8]);
            pieces.iter().for_each(|piece| bytes(out, piece));
        }
    }
}
