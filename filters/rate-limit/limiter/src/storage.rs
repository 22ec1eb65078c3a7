//! Storage for limitador in Redis. Limitador's own Redis storage checks first and counts afterwards, so
//! concurrent requests can exceed the limit, and its client needs OpenSSL. This storage does both in one
//! script.

use crate::resp::{Connection, Reply};
use limitador::counter::Counter;
use limitador::limit::Limit;
use limitador::storage::{Authorization, CounterStorage, StorageErr};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Whether Redis has failed. Passed beside the result, because limitador's errors cannot be constructed
/// elsewhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault(Arc<AtomicBool>);

impl Fault {
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Returns whether there was room for all keys, in which case they were counted. For each key, also returns
/// its earlier hits, and the remaining time of its window in milliseconds (negative if it has not begun).
const CHECK_AND_UPDATE: &str = "
local reply, room = {1}, true
for i, key in ipairs(KEYS) do
    local hits = tonumber(redis.call('GET', key) or '0')
    if hits + tonumber(ARGV[1]) > tonumber(ARGV[2 * i]) then room = false end
    reply[2 * i], reply[2 * i + 1] = hits, redis.call('PTTL', key)
end
if not room then
    reply[1] = 0
    return reply
end
for i, key in ipairs(KEYS) do
    redis.call('INCRBY', key, ARGV[1])
    if reply[2 * i + 1] < 0 then redis.call('PEXPIRE', key, ARGV[2 * i + 1]) end
end
return reply";

pub(crate) struct OnRedis {
    port: u16,
    connection: Mutex<Option<Connection>>,
    fault: Fault,
}

impl OnRedis {
    pub fn new(port: u16, fault: Fault) -> Self {
        Self { port, connection: Mutex::new(None), fault }
    }

    /// Sends a command, on the existing connection or a new one.
    fn command(&self, parts: &[&str]) -> Option<Reply> {
        let mut held = self.connection.lock().expect("lock is not poisoned");
        for connection in [held.take(), Connection::open(self.port).ok()].into_iter().flatten() {
            let mut connection = connection;
            if let Ok(reply) = connection.command(parts) {
                *held = Some(connection);
                return Some(reply);
            }
        }
        self.fault.0.store(true, Ordering::Relaxed);
        None
    }
}

/// Returns the Redis key of a counter.
fn key(counter: &Counter) -> String {
    let limit = (counter.namespace().as_ref(), counter.max_value(), counter.window().as_secs());
    format!("tollgate:{limit:?}:{:?}", counter.set_variables())
}

impl CounterStorage for OnRedis {
    fn check_and_update(&self, counters: &mut Vec<Counter>, hits: u64) -> Result<Authorization, StorageErr> {
        let keys: Vec<String> = counters.iter().map(key).collect();
        let mut arguments = vec![hits.to_string()];
        for counter in counters.iter() {
            arguments.extend([counter.max_value().to_string(), counter.window().as_millis().to_string()]);
        }
        let count = keys.len().to_string();
        let mut parts = vec!["EVAL", CHECK_AND_UPDATE, &count];
        parts.extend(keys.iter().chain(&arguments).map(String::as_str));
        let Some(Reply::Numbers(reply)) = self.command(&parts) else { return Ok(Authorization::Ok) };
        for (counter, pair) in counters.iter_mut().zip(reply[1..].chunks(2)) {
            let hits = u64::try_from(pair[0]).expect("hits are not negative");
            counter.set_remaining(counter.max_value().saturating_sub(hits));
            let left = u64::try_from(pair[1]).map_or(counter.window(), Duration::from_millis);
            counter.set_expires_in(left);
        }
        Ok(if reply[0] == 1 { Authorization::Ok } else { Authorization::Limited(None) })
    }

    fn add_counter(&self, _: &Limit) -> Result<(), StorageErr> {
        Ok(())
    }

    fn is_within_limits(&self, _: &Counter, _: u64) -> Result<bool, StorageErr> {
        panic!("not used: the service checks and counts in one step")
    }

    fn update_counter(&self, _: &Counter, _: u64) -> Result<(), StorageErr> {
        panic!("not used: the service checks and counts in one step")
    }

    fn check(&self, _: &mut Vec<Counter>, _: u64) -> Result<Authorization, StorageErr> {
        panic!("not used: the service checks and counts in one step")
    }

    fn get_counters(&self, _: &HashSet<Arc<Limit>>) -> Result<HashSet<Counter>, StorageErr> {
        panic!("not used: the service does not report counters")
    }

    fn delete_counters(&self, _: &HashSet<Arc<Limit>>) -> Result<(), StorageErr> {
        panic!("not used: limits do not change")
    }

    fn clear(&self) -> Result<(), StorageErr> {
        panic!("not used: limits do not change")
    }
}
