//! Requests in flight, counted over all workers.
//!
//! A count that is only raised and lowered never recovers from a worker that died in between. So each VM counts its own
//! requests, under a random number of its own, and says every [`HEARTBEAT`] that it lives; what a VM counted that has not
//! said so for [`LEASE`] is forgotten.
