//! Host calls for header maps.

use super::call::{Answer, HostCall, Signature};
use crate::emulator::context::MapKind;
use crate::emulator::linking::AbiVersion;
use crate::emulator::state::{Status, pairs};

pub(super) const CALLS: &[Signature] = &[
    Signature::proxy("proxy_get_header_map_value", "map:u key:b value:O", get_value),
    Signature::proxy("proxy_add_header_map_value", "map:u key:b value:b", add_value),
    Signature::proxy("proxy_replace_header_map_value", "map:u key:b value:b", replace_value),
    Signature::proxy("proxy_remove_header_map_value", "map:u key:b", remove_value),
    Signature::proxy("proxy_get_header_map_pairs", "map:u pairs:O", get_pairs),
    Signature::proxy("proxy_set_header_map_pairs", "map:u pairs:p", set_pairs),
    Signature::proxy("proxy_get_header_map_size", "map:u size:o", get_size),
];

fn kind(call: &HostCall<'_>) -> Result<MapKind, Status> {
    MapKind::from_number(call.u32(0)).ok_or(Status::BadArgument)
}

fn get_value(call: &mut HostCall<'_>) -> Answer {
    let kind = kind(call)?;
    let key = call.bytes(1)?;
    let (vm, id) = (call.vm(), call.context_id());
    // Envoy returns `NotFound` for a missing map during `proxy_on_log`, and `BadArgument` at other times.
    let missing = if call.context().logging { Status::NotFound } else { Status::BadArgument };
    let map = call.world().map(vm, id, kind).ok_or(missing)?;
    let value = map.first(&key).map(<[u8]>::to_vec);
    match value {
        Some(value) => call.give(&value, 3),
        // In ABI 0.1.0 a missing header reads as an empty value.
        None if call.world().vms[vm].abi == AbiVersion::V0_1_0 => call.give(&[], 3),
        None => Err(Status::NotFound.into()),
    }
}

fn add_value(call: &mut HostCall<'_>) -> Answer {
    let kind = kind(call)?;
    let (key, value) = (call.bytes(1)?, call.bytes(3)?);
    change(call, kind, |map| map.add(&key, &value))
}

fn replace_value(call: &mut HostCall<'_>) -> Answer {
    let kind = kind(call)?;
    let (key, value) = (call.bytes(1)?, call.bytes(3)?);
    change(call, kind, |map| map.replace(&key, &value))
}

fn remove_value(call: &mut HostCall<'_>) -> Answer {
    let kind = kind(call)?;
    let key = call.bytes(1)?;
    change(call, kind, |map| map.remove(&key))
}

fn set_pairs(call: &mut HostCall<'_>) -> Answer {
    let kind = kind(call)?;
    let list = pairs::decode(&call.bytes(1)?);
    change(call, kind, |map| {
        map.clear();
        for (key, value) in &list {
            map.add(key, value);
        }
    })
}

fn change(
    call: &mut HostCall<'_>,
    kind: MapKind,
    how: impl FnOnce(&mut crate::emulator::header_map::HeaderMap),
) -> Answer {
    let (vm, id) = (call.vm(), call.context_id());
    let world = call.world();
    how(world.map_mut(vm, id, kind).ok_or(Status::BadArgument)?);
    if kind == MapKind::RequestHeaders {
        world.clear_route_cache(vm, id);
    }
    Ok(())
}

/// Does not fail for a missing map, which reads as an empty one.
fn get_pairs(call: &mut HostCall<'_>) -> Answer {
    let kind = kind(call)?;
    let (vm, id) = (call.vm(), call.context_id());
    let bytes = call.world().map(vm, id, kind).map(|map| pairs::encode(map.pairs())).unwrap_or_default();
    call.give_pairs(&bytes, 1)
}

/// Envoy fetches the map for changing, so this returns `BadArgument` where only reading is allowed, as in
/// `proxy_on_log`.
fn get_size(call: &mut HostCall<'_>) -> Answer {
    let kind = kind(call)?;
    let (vm, id) = (call.vm(), call.context_id());
    let size = call.world().map_mut(vm, id, kind).ok_or(Status::BadArgument)?.byte_size();
    call.put_u32(1, size)
}
