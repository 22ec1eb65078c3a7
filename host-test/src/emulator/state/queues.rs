//! Shared queues: `proxy-wasm-cpp-host`, `src/shared_queue.cc`.
//!
//! A queue has a name within a `vm_id`, and one owner: the last one to register it is notified of new items.
//! Registering again keeps the token and the items. The size of a queue is not limited.

use super::Status;
use std::collections::{HashMap, VecDeque};

/// The queues of all VMs. `O` identifies an owner.
#[derive(Clone, Debug)]
pub struct Queues<O> {
    tokens: HashMap<(String, String), u32>,
    /// Queues, indexed by token minus one.
    queues: Vec<Queue<O>>,
}

#[derive(Clone, Debug)]
struct Queue<O> {
    owner: O,
    items: VecDeque<Vec<u8>>,
}

impl<O> Default for Queues<O> {
    fn default() -> Self {
        Self { tokens: HashMap::new(), queues: Vec::new() }
    }
}

impl<O: Clone> Queues<O> {
    /// Makes `owner` the owner of a queue, and creates the queue if necessary. Returns the token, which is
    /// never zero.
    pub fn register(&mut self, vm_id: &str, name: &str, owner: O) -> u32 {
        if let Some(token) = self.resolve(vm_id, name) {
            if let Ok(queue) = self.queue(token) {
                queue.owner = owner;
            }
            return token;
        }
        self.queues.push(Queue { owner, items: VecDeque::new() });
        let token = u32::try_from(self.queues.len()).expect("there are fewer queues than tokens");
        self.tokens.insert((vm_id.to_owned(), name.to_owned()), token);
        token
    }

    /// Returns the token of a queue, or `None` if it is not registered.
    ///
    /// In the host call, an empty `vm_id` means that of the caller. The caller of this function must fill it
    /// in.
    pub fn resolve(&self, vm_id: &str, name: &str) -> Option<u32> {
        self.tokens.get(&(vm_id.to_owned(), name.to_owned())).copied()
    }

    /// Appends an item. Returns the owner, which must be notified once for each item.
    ///
    /// Fails with [`Status::NotFound`] for an unknown token.
    pub fn enqueue(&mut self, token: u32, item: Vec<u8>) -> Result<O, Status> {
        let queue = self.queue(token)?;
        queue.items.push_back(item);
        Ok(queue.owner.clone())
    }

    /// Removes and returns the oldest item. Any VM may do this, not only the owner.
    ///
    /// Fails with [`Status::NotFound`] for an unknown token, and with [`Status::Empty`] if the queue is
    /// empty.
    pub fn dequeue(&mut self, token: u32) -> Result<Vec<u8>, Status> {
        self.queue(token)?.items.pop_front().ok_or(Status::Empty)
    }

    fn queue(&mut self, token: u32) -> Result<&mut Queue<O>, Status> {
        let index = token.checked_sub(1).ok_or(Status::NotFound)?;
        self.queues.get_mut(index as usize).ok_or(Status::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivers_each_item_once_in_order() {
        let mut queues = Queues::default();
        let token = queues.register("vm", "q", "owner");
        assert_eq!(queues.enqueue(token, b"1".to_vec()), Ok("owner"));
        assert_eq!(queues.enqueue(token, b"".to_vec()), Ok("owner"));
        assert_eq!(queues.dequeue(token), Ok(b"1".to_vec()));
        assert_eq!(queues.dequeue(token), Ok(vec![]), "an empty item is an item");
        assert_eq!(queues.dequeue(token), Err(Status::Empty));
    }

    #[test]
    fn registering_again_keeps_token_and_items_and_moves_the_owner() {
        let mut queues = Queues::default();
        let token = queues.register("vm", "q", "first");
        queues.enqueue(token, b"kept".to_vec()).unwrap();
        assert_eq!(queues.register("vm", "q", "last"), token);
        assert_eq!(queues.enqueue(token, b"new".to_vec()), Ok("last"));
        assert_eq!(queues.dequeue(token), Ok(b"kept".to_vec()));
    }

    #[test]
    fn tells_queues_apart_by_vm_and_name() {
        let mut queues = Queues::default();
        let tokens =
            [("a", "q"), ("b", "q"), ("a", "r"), ("", "q")].map(|(vm, name)| queues.register(vm, name, ()));
        assert_eq!(tokens, [1, 2, 3, 4]);
        assert_eq!(queues.resolve("b", "q"), Some(2));
        assert_eq!(queues.resolve("b", "r"), None);
    }

    #[test]
    fn rejects_unregistered_tokens() {
        let mut queues = Queues::default();
        queues.register("vm", "q", ());
        for token in [0, 2, u32::MAX] {
            assert_eq!(queues.enqueue(token, vec![]), Err(Status::NotFound));
            assert_eq!(queues.dequeue(token), Err(Status::NotFound));
        }
    }
}
