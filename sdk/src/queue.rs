//! Queues between the VMs of an Envoy. Each item is delivered once; the host bounds neither their number nor size.

use crate::{Error, Result, Status, abi, host};

/// A queue's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue(pub(crate) u32);

impl Queue {
    /// Makes the queue `name` of this VM's `vm_id`, or finds it. The VM that registered last is told of new items.
    pub fn register(name: &str) -> Result<Self> {
        let mut token = 0;
        // SAFETY: in this and every call below, pointers are to live values of the lengths given.
        host::check("register_shared_queue", unsafe {
            abi::proxy_register_shared_queue(name.as_ptr(), name.len(), &mut token)
        })?;
        Ok(Self(token))
    }

    /// The queue `name` of another `vm_id`; `None` if nobody registered it.
    pub fn resolve(vm_id: &str, name: &str) -> Result<Option<Self>> {
        let mut token = 0;
        let raw = unsafe {
            abi::proxy_resolve_shared_queue(
                vm_id.as_ptr(),
                vm_id.len(),
                name.as_ptr(),
                name.len(),
                &mut token,
            )
        };
        Ok(host::check_found("resolve_shared_queue", raw)?.then_some(Self(token)))
    }

    /// Puts an item at the end.
    pub fn enqueue(self, item: &[u8]) -> Result<()> {
        host::check("enqueue_shared_queue", unsafe {
            abi::proxy_enqueue_shared_queue(self.0, item.as_ptr(), item.len())
        })
    }

    /// Takes the first item; `None` if there is none.
    pub fn dequeue(self) -> Result<Option<Vec<u8>>> {
        let mut out = host::Returned::nothing();
        let raw = unsafe { abi::proxy_dequeue_shared_queue(self.0, &mut out.bytes, &mut out.len) };
        match host::check("dequeue_shared_queue", raw) {
            Ok(()) => Ok(Some(out.take())),
            Err(Error::Host { status: Status::Empty, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
