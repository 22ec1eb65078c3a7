//! Queues between the VMs of one Envoy. Each item is delivered once. The host limits neither the number nor
//! the size of items.

use crate::error::Result;
use crate::{Error, Status, abi, host};

/// The token of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue(pub(crate) u32);

impl Queue {
    pub(crate) fn register(name: &str) -> Result<Self> {
        let mut token = 0;
        // SAFETY: in this and all calls below, pointers are to live values of the given lengths.
        host::check("register_shared_queue", unsafe {
            abi::proxy_register_shared_queue(name.as_ptr(), name.len(), &mut token)
        })?;
        Ok(Self(token))
    }

    /// Finds the queue `name` of another `vm_id`. Returns `None` if it was not registered.
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

    /// Adds an item at the end of the queue.
    pub fn enqueue(self, item: &[u8]) -> Result<()> {
        host::check("enqueue_shared_queue", unsafe {
            abi::proxy_enqueue_shared_queue(self.0, item.as_ptr(), item.len())
        })
    }

    /// Removes and returns the first item, or `None` if the queue is empty.
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
