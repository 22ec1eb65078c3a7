//! Counts of limitador, kept in Redis. Its own storage asks first and counts then, so that several at once admit more than
//! the limit, and its client wants OpenSSL; this one does both in one script.

use crate::resp::{Connection, Reply};
use limitador::counter::Counter;
use limitador::limit::Limit;
use limitador::storage::{Authorization, CounterStorage, StorageErr};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Redis could not be asked. Beside the answer, since limitador's errors cannot be made outside of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault(Arc<AtomicBool>);

impl Fault {
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Of each key: its hits before, and what is left of its window in milliseconds (negative: none has begun). First of all
/// whether there was room for all, in which case they were counted.
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

    /// On the connection there is, or a new one.
    fn command(&self, parts: &[&str]) -> Option<Reply> {
        let mut held = self.connection.lock().expect("nobody panics with it");
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

/// By what Redis knows a counter.
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
            let hits = u64::try_from(pair[0]).expect("hits are counted up");
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
        panic!("the service asks and counts at once")
    }

    fn update_counter(&self, _: &Counter, _: u64) -> Result<(), StorageErr> {
        panic!("the service asks and counts at once")
    }

    fn check(&self, _: &mut Vec<Counter>, _: u64) -> Result<Authorization, StorageErr> {
        panic!("the service asks and counts at once")
    }

    fn get_counters(&self, _: &HashSet<Arc<Limit>>) -> Result<HashSet<Counter>, StorageErr> {
        panic!("the service tells nobody what it counted")
    }

    fn delete_counters(&self, _: &HashSet<Arc<Limit>>) -> Result<(), StorageErr> {
        panic!("limits stay as they are")
    }

    fn clear(&self) -> Result<(), StorageErr> {
        panic!("limits stay as they are")
    }
}
