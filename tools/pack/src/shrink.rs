//! Makes a linked module smaller:
//!
//! - merges identical functions;
//! - gives the functions with the most calls the lowest numbers, which take one byte instead of two;
//! - puts long constants that a function uses repeatedly into locals;
//! - removes zeros from data segments, because memory is zero initially.

use crate::Error;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{CodeSection, ConstExpr, DataSection, Function, FunctionSection, Instruction, ValType};
use wasmparser::{CodeSectionReader, Data, DataKind, FunctionBody, FunctionSectionReader, Operator};
use wasmparser::{Parser, Payload, TypeRef};

type Result<T, E = reencode::Error<Infallible>> = std::result::Result<T, E>;

/// Size of a data segment without its bytes. A shorter run of zeros is not worth a new segment.
const SEGMENT: usize = 8;

/// Makes a module smaller. Identical functions get the same address, which Rust permits.
pub(crate) fn shrink(wasm: &[u8]) -> std::result::Result<Vec<u8>, Error> {
    rewrite(wasm).map_err(|why| Error::Invalid(why.to_string()))
}

fn rewrite(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut shrinking = Shrinking::read(wasm)?;
    while shrinking.merge()? {}
    shrinking.renumber()?;
    let mut module = wasm_encoder::Module::new();
    shrinking.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(module.finish())
}

struct Shrinking<'m> {
    /// Number of imported functions.
    imported: usize,
    /// Functions that are not imported.
    own: Vec<Own<'m>>,
    /// Indices in `own` of the functions that remain, in their new order.
    kept: Vec<usize>,
    /// The new number of each function, imported or not.
    numbers: Vec<u32>,
    /// Number of uses of each function number.
    uses: Vec<usize>,
    may_split_data: bool,
}

/// A function that is not imported.
#[derive(Clone)]
struct Own<'m> {
    ty: u32,
    /// Number of parameters.
    parameters: u32,
    body: FunctionBody<'m>,
}

impl<'m> Shrinking<'m> {
    fn read(wasm: &'m [u8]) -> Result<Self> {
        let (mut imported, mut types, mut bodies, mut may_split_data) =
            (0, Vec::<u32>::new(), Vec::new(), true);
        let mut signatures = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(types) => {
                    for ty in types.into_iter_err_on_gc_types() {
                        signatures.push(ty?.params().len());
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::FunctionSection(functions) => {
                    types = functions.into_iter().collect::<std::result::Result<_, _>>()?;
                }
                Payload::CodeSectionEntry(body) => bodies.push(body),
                // Instructions refer to segments by number, so segments must not be split.
                Payload::DataCountSection { .. } => may_split_data = false,
                _ => {}
            }
        }
        // A valid module has a body for each type.
        let own = types.into_iter().zip(bodies).map(|(ty, body)| {
            let parameters = signatures.get(ty as usize).map_or(0, |count| *count as u32);
            Own { ty, parameters, body }
        });
        let own: Vec<_> = own.collect();
        let all = imported + own.len();
        let kept = (0..own.len()).collect();
        let numbers = (0..).take(all).collect();
        Ok(Self { imported, own, kept, numbers, uses: vec![0; all], may_split_data })
    }

    /// Merges identical functions. Their callers may then become identical. Returns whether functions were
    /// merged.
    fn merge(&mut self) -> Result<bool> {
        let before = self.kept.len();
        let mut first = HashMap::new();
        let mut kept = Vec::new();
        let mut numbers = self.numbers.clone();
        for (index, own) in self.own.clone().iter().enumerate() {
            let number = self.imported + index;
            let same = *first.entry((own.ty, self.encode(own)?)).or_insert(number);
            if same == number {
                kept.push(index);
            }
            if let Some(number) = numbers.get_mut(number) {
                *number = u32::try_from(same).unwrap_or(u32::MAX);
            }
        }
        (self.kept, self.numbers) = (kept, numbers);
        Ok(self.kept.len() < before)
    }

    /// Gives the lowest numbers to the functions with the most uses.
    fn renumber(&mut self) -> Result<()> {
        self.uses.fill(0);
        for own in self.kept() {
            self.encode(&own)?;
        }
        let (imported, uses) = (self.imported, &self.uses);
        self.kept.sort_by_key(|index| std::cmp::Reverse(uses.get(imported + index).copied()));
        let mut new = self.numbers.clone();
        for (number, index) in (0..).skip(imported).zip(&self.kept) {
            if let Some(new) = new.get_mut(imported + index) {
                *new = number;
            }
        }
        self.numbers = self.numbers.iter().filter_map(|old| new.get(*old as usize).copied()).collect();
        Ok(())
    }

    fn kept(&self) -> Vec<Own<'m>> {
        self.kept.iter().filter_map(|index| self.own.get(*index).cloned()).collect()
    }

    fn encode(&mut self, own: &Own<'_>) -> Result<Vec<u8>> {
        let Own { parameters, body, .. } = own;
        let mut locals = Vec::new();
        for local in body.get_locals_reader()? {
            let (count, ty) = local?;
            locals.push((count, self.val_type(ty)?));
        }
        let first = parameters + locals.iter().map(|(count, _)| count).sum::<u32>();
        let mut instructions = Vec::new();
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            instructions.push(self.parse_instruction(&mut reader)?);
        }
        let constants = worth_a_local(&instructions, first);
        locals.extend(constants.iter().map(|constant| (1, constant.ty())));
        let mut function = Function::new(locals);
        for (local, constant) in (first..).zip(&constants) {
            function.instruction(&constant.instruction()).instruction(&Instruction::LocalSet(local));
        }
        let locals: HashMap<_, _> = constants.into_iter().zip(first..).collect();
        for instruction in &instructions {
            match Constant::from_instruction(instruction).and_then(|constant| locals.get(&constant)) {
                Some(local) => function.instruction(&Instruction::LocalGet(*local)),
                None => function.instruction(instruction),
            };
        }
        Ok(function.into_raw_body())
    }
}

/// A constant, ordered by type, because locals are declared in runs of one type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Constant {
    I32(i32),
    I64(i64),
}

impl Constant {
    fn from_instruction(instruction: &Instruction<'_>) -> Option<Self> {
        match instruction {
            Instruction::I32Const(value) => Some(Self::I32(*value)),
            Instruction::I64Const(value) => Some(Self::I64(*value)),
            _ => None,
        }
    }

    fn instruction(self) -> Instruction<'static> {
        match self {
            Self::I32(value) => Instruction::I32Const(value),
            Self::I64(value) => Instruction::I64Const(value),
        }
    }

    fn ty(self) -> ValType {
        match self {
            Self::I32(_) => ValType::I32,
            Self::I64(_) => ValType::I64,
        }
    }

    fn bytes(self) -> usize {
        let value = match self {
            Self::I32(value) => value.into(),
            Self::I64(value) => value,
        };
        // LEB128: seven bits per byte, one of them for the sign.
        let bits = 65 - (value ^ (value >> 63)).leading_zeros() as usize;
        1 + bits.div_ceil(7)
    }
}

/// Returns the constants that take fewer bytes in locals, which start at number `first`. An optimising
/// compiler generates the same code for both.
fn worth_a_local(instructions: &[Instruction<'_>], first: u32) -> Vec<Constant> {
    /// Bytes to set or to read a local with a number of one byte.
    const LOCAL: usize = 2;
    /// Bytes of a run of locals of one type.
    const RUN: usize = 2;
    let mut uses: BTreeMap<Constant, usize> = BTreeMap::new();
    for constant in instructions.iter().filter_map(Constant::from_instruction) {
        *uses.entry(constant).or_default() += 1;
    }
    uses.retain(|constant, uses| *uses * constant.bytes() > constant.bytes() + LOCAL + *uses * LOCAL + RUN);
    uses.into_keys().take(128_usize.saturating_sub(first as usize)).collect()
}

impl Reencode for Shrinking<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32> {
        let number = self.numbers.get(function as usize).copied().unwrap_or(function);
        if let Some(uses) = self.uses.get_mut(number as usize) {
            *uses += 1;
        }
        Ok(number)
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        _: FunctionSectionReader<'_>,
    ) -> Result<()> {
        for own in self.kept() {
            functions.function(own.ty);
        }
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, _: CodeSectionReader<'_>) -> Result<()> {
        for own in self.kept() {
            code.raw(&self.encode(&own)?);
        }
        Ok(())
    }

    fn parse_data(&mut self, section: &mut DataSection, data: Data<'_>) -> Result<()> {
        let address = match &data.kind {
            DataKind::Active { memory_index: 0, offset_expr } if self.may_split_data => {
                let mut operators = offset_expr.get_operators_reader();
                match (operators.read()?, operators.read()?) {
                    (Operator::I32Const { value }, Operator::End) => Some(value),
                    _ => None,
                }
            }
            _ => None,
        };
        let Some(address) = address else { return utils::parse_data(self, section, data) };
        for (offset, bytes) in without_zeros(data.data) {
            let offset = i32::try_from(offset).unwrap_or(i32::MAX);
            section.active(0, &ConstExpr::i32_const(address.wrapping_add(offset)), bytes.iter().copied());
        }
        Ok(())
    }
}

/// Splits data at runs of zeros that are longer than a segment's header. Returns the parts with their
/// offsets.
fn without_zeros(data: &[u8]) -> Vec<(usize, &[u8])> {
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for (at, _) in data.iter().enumerate().filter(|(_, byte)| **byte != 0) {
        if at - end > SEGMENT {
            parts.extend(data.get(start..end).map(|part| (start, part)));
            start = at;
        }
        end = at + 1;
    }
    parts.extend(data.get(start..end).map(|part| (start, part)));
    parts.retain(|(_, part)| !part.is_empty());
    parts
}
