//! Removes exports, and checks imports.

use crate::{Error, Options, abi};
use walrus::ir::{Instr, Value};
use walrus::{ExportItem, FunctionId, FunctionKind, ImportKind, Module};

/// Removes exports that Envoy does not use, and callbacks that do nothing. Returns the remaining callbacks,
/// sorted by name.
pub(crate) fn exports(module: &mut Module, options: &Options) -> Result<Vec<String>, Error> {
    let keep_only = options.keep_only.as_deref();
    let mut kept = Vec::new();
    let mut dropped = Vec::new();
    let (mut marker, mut allocator, mut entry, mut memory) = (false, false, false, false);
    for export in module.exports.iter() {
        let name = export.name.as_str();
        let stays = match export.item {
            ExportItem::Memory(_) => name == "memory",
            ExportItem::Function(_) if name == abi::MARKER => true,
            ExportItem::Function(_)
                if [abi::ALLOCATORS, abi::ENTRY, abi::MAIN].iter().any(|kind| kind.contains(&name)) =>
            {
                true
            }
            ExportItem::Function(function) if looks_like_a_callback(name) => {
                let stays = stays(module, name, function, keep_only)?;
                if stays {
                    kept.push(name.to_owned());
                }
                stays
            }
            _ => false,
        };
        marker |= stays && name == abi::MARKER;
        allocator |= stays && abi::ALLOCATORS.contains(&name);
        entry |= stays && abi::ENTRY.contains(&name);
        memory |= stays && name == "memory";
        if !stays {
            dropped.push(export.id());
        }
    }
    if !marker {
        return Err(Error::Abi);
    }
    if !allocator {
        return Err(Error::NoAllocator);
    }
    if module.funcs.iter().any(|f| f.name.as_deref().is_some_and(|n| n.ends_with(".command_export"))) {
        return Err(Error::CommandExports);
    }
    if !entry {
        return Err(Error::NoEntry);
    }
    if !memory {
        return Err(Error::NoMemory);
    }
    check_callbacks(module, options)?;
    if let Some(missing) = keep_only.unwrap_or_default().iter().find(|name| !kept.contains(name)) {
        return Err(Error::NothingToKeep(missing.clone()));
    }
    for id in dropped {
        module.exports.delete(id);
    }
    kept.sort();
    Ok(kept)
}

/// Rejects a module that handles no event, before callbacks that do nothing are removed: an author may write
/// such a callback, but one who writes none has forgotten to export the filter.
pub(crate) fn check_callbacks(module: &Module, options: &Options) -> Result<(), Error> {
    let found = module.exports.iter().any(|export| abi::is_event(&export.name));
    if found || options.no_callbacks { Ok(()) } else { Err(Error::NoCallbacks) }
}

fn looks_like_a_callback(name: &str) -> bool {
    name.starts_with("proxy_on_") || name == "proxy_validate_configuration"
}

fn stays(
    module: &Module,
    name: &str,
    function: FunctionId,
    keep_only: Option<&[String]>,
) -> Result<bool, Error> {
    let callback = abi::callback(name).ok_or_else(|| Error::UnknownCallback(name.into()))?;
    let ty = module.types.get(module.funcs.get(function).ty());
    if !callback.matches(ty.params(), ty.results()) {
        let found = format!("{:?} -> {:?}", ty.params(), ty.results());
        return Err(Error::Signature { name: name.into(), found, expected: callback.signature() });
    }
    // `keep_only` keeps a callback even if it does nothing.
    Ok(match keep_only {
        Some(list) => list.iter().any(|kept| kept == name),
        None => !is_noop(module, function, callback.absent),
    })
}

/// Whether the body only returns the value that Envoy assumes for an absent callback. The optimiser reduces a
/// default method of a trait to such a body.
fn is_noop(module: &Module, function: FunctionId, absent: Option<i32>) -> bool {
    let FunctionKind::Local(body) = &module.funcs.get(function).kind else { return false };
    let mut instructions = body.block(body.entry_block()).instrs.iter().map(|(instruction, _)| instruction);
    let value = instructions.next();
    let end = instructions.next();
    match (absent, value) {
        (None, None) => true,
        (None, Some(Instr::Return(_))) => true,
        (Some(absent), Some(Instr::Const(constant))) => {
            matches!(constant.value, Value::I32(v) if v == absent)
                && matches!(end, None | Some(Instr::Return(_)))
        }
        _ => false,
    }
}

/// Checks that a filter may have all remaining imports. Runs after unreachable imports were removed.
pub(crate) fn check_imports(module: &Module) -> Result<(), Error> {
    let mut rejected: Vec<String> = module
        .imports
        .iter()
        .filter(|import| {
            !matches!(import.kind, ImportKind::Function(_)) || !abi::may_import(&import.module, &import.name)
        })
        .map(|import| format!("`{}.{}`", import.module, import.name))
        .collect();
    rejected.sort();
    if rejected.is_empty() { Ok(()) } else { Err(Error::Imports(rejected)) }
}
