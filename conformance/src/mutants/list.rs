//! The list of mutants.

use super::Mutant;

/// Every mutant.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        what: "request headers stay accessible after the callback has continued",
        file: "proxy/filter.rs",
        from: "self.update_context(vm, id, |c| self::access(c, direction).headers = false);",
        to: "self.update_context(vm, id, |_| ());",
    },
    Mutant {
        what: "an inaccessible map returns NotFound instead of BadArgument",
        file: "abi/headers.rs",
        from: "let missing = if call.context().logging { Status::NotFound } else { Status::BadArgument };",
        to: "let missing = Status::NotFound;",
    },
    Mutant {
        what: "a missing header returns an empty value in every version of the ABI",
        file: "abi/headers.rs",
        from: "None => Err(Status::NotFound.into()),",
        to: "None => call.give(&[], 3),",
    },
    Mutant {
        what: "a changed request header does not select the route again",
        file: "abi/headers.rs",
        from: "if kind == MapKind::RequestHeaders {",
        to: "if false {",
    },
    Mutant {
        what: "bytes set at the start of a buffer are inserted and replace nothing",
        file: "abi/buffers.rs",
        from: "buffer.drain(..length.min(buffer.len()));",
        to: "",
    },
    Mutant {
        what: "the middle of a buffer can be replaced",
        file: "abi/buffers.rs",
        from: "return Err(Status::BadArgument.into());",
        to: "buffer.splice(start..(start + length).min(buffer.len()), bytes);",
    },
    Mutant {
        what: "a pause in the headers callback does not hold back the body",
        file: "proxy/filter.rs",
        from: "CallbackResult::Returned(1) if can_stop =>",
        to: "CallbackResult::Returned(1) =>",
    },
    Mutant {
        what: "on_request_body reports the size of the piece instead of the buffered size",
        file: "proxy/filter.rs",
        from: "let size = if buffering { flow.buffer.as_ref().map_or(0, Vec::len) } else { piece.len() };",
        to: "let size = piece.len();",
    },
    Mutant {
        what: "on_delete runs before on_done",
        file: "proxy/filter.rs",
        from: r#"["proxy_on_done", "proxy_on_delete"]"#,
        to: r#"["proxy_on_delete", "proxy_on_done"]"#,
    },
    Mutant {
        what: "filters after the one that ended a stream do not run on_log",
        file: "proxy/filter.rs",
        from: r#"            self.create(slot.vm, slot.context);
            self.world.context_mut(slot.vm, slot.context).logging = true;"#,
        to: r#"            if !self.world.context_mut(slot.vm, slot.context).created {
                continue;
            }
            self.world.context_mut(slot.vm, slot.context).logging = true;"#,
    },
    Mutant {
        what: "a local reply skips the response callbacks",
        file: "proxy/reply.rs",
        from: "self.iterate_headers(stream, Direction::Response, None, body.is_empty());",
        to: "self.send_headers(stream, body.is_empty());",
    },
    Mutant {
        what: "a CAS number for a missing key returns CasMismatch",
        file: "state/shared_data.rs",
        from: r#"        // Zero means "no condition""#,
        to: r#"        if cas != 0 && !entries.contains_key(key) {
            return Status::CasMismatch;
        }
        // Zero means "no condition""#,
    },
    Mutant {
        what: "the CAS counter skips numbers",
        file: "state/shared_data.rs",
        from: "self.latest = self.latest.checked_add(1).unwrap_or(1);",
        to: "self.latest = self.latest.checked_add(2).unwrap_or(1);",
    },
    Mutant {
        what: "recording a value in a counter sets it",
        file: "state/metrics.rs",
        from: "|counter| *counter = counter.wrapping_add(value)",
        to: "|counter| *counter = value",
    },
    Mutant {
        what: "a counter accepts an offset that is not positive",
        file: "state/metrics.rs",
        from: "filter(|&offset| offset > 0)",
        to: "filter(|_| true)",
    },
    Mutant {
        what: "a connection that breaks delivers no response to a callout",
        file: "callouts/http.rs",
        from: "local_answer(status, &reset_body(how, retried))",
        to: "None",
    },
    Mutant {
        what: "a body ends where the filters end it, not by its length",
        file: "proxy/attempt.rs",
        from: "bytes.extend(wire::data(router.chunked, piece));",
        to: "bytes.extend(wire::data(router.chunked, if end { piece } else { &[] }));",
    },
    Mutant {
        what: "a callout is answered before the body of the same segment",
        file: "proxy/downstream.rs",
        from: "0 if delay.is_zero() => self.world.clock.urgently(event),",
        to: "0 if delay.is_zero() => drop(self.world.clock.after(delay, event)),",
    },
    Mutant {
        what: "an unknown foreign function returns Unimplemented",
        file: "foreign/mod.rs",
        from: "_ => Err(Status::NotFound),",
        to: "_ => Err(Status::Unimplemented),",
    },
];
