//! A peer of an emulated connection: a client or an upstream that follows its script, with the kernel's
//! buffers in between.

use crate::{End, Received, Script, Step, TcpUpstream};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a sender waits for its earlier data to be read. The peers of the Envoy runner wait as long.
const UNREAD_PATIENCE: Duration = Duration::from_millis(300);

/// An action of a peer on the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PeerAction {
    Send(Vec<u8>),
    Fin,
    Rst,
    /// Call `play` again at this time.
    Wake(Duration),
}

/// A client or an upstream.
#[derive(Debug)]
pub(crate) struct Peer {
    steps: VecDeque<Step>,
    echoes: bool,
    patience: Duration,
    pub got: Received,
    /// Data in the kernel's buffer that the peer has not read.
    inbox: Vec<u8>,
    fin: bool,
    rst: bool,
    shut: bool,
    /// Whether the peer has closed its socket.
    pub closed: bool,
    /// Number of bytes that the current step must still receive.
    wanted: Option<usize>,
    until: Option<Duration>,
    /// Data that an echo has still to send back.
    pending: Vec<u8>,
}

impl Peer {
    pub fn new(script: &Script) -> Self {
        Self {
            steps: script.steps.iter().cloned().collect(),
            echoes: false,
            patience: script.patience,
            got: Received { bytes: Vec::new(), end: End::Open },
            inbox: Vec::new(),
            fin: false,
            rst: false,
            shut: false,
            closed: false,
            wanted: None,
            until: None,
            pending: Vec::new(),
        }
    }

    /// Creates the upstream, or returns `None` if it refuses connections.
    pub fn upstream(behaviour: &TcpUpstream) -> Option<Self> {
        match behaviour {
            TcpUpstream::Echo => Some(Self { echoes: true, ..Self::new(&Script::default()) }),
            TcpUpstream::Script(script) => Some(Self::new(script)),
            TcpUpstream::Refuse => None,
        }
    }

    /// Delivers bytes from the proxy; `end` marks the last ones.
    pub fn deliver(&mut self, bytes: &[u8], end: bool) {
        self.inbox.extend_from_slice(bytes);
        self.fin |= end;
    }

    /// Delivers a reset from the proxy.
    pub fn deliver_rst(&mut self) {
        self.rst = true;
    }

    /// Continues the script and returns its actions. `unread`: the proxy has not read everything that was
    /// sent.
    pub fn play(&mut self, now: Duration, unread: bool) -> Vec<PeerAction> {
        let mut actions = Vec::new();
        while !self.closed {
            if matches!(self.got.end, End::Reset | End::Broken | End::Hang) {
                self.closed = true;
            } else if let Some(step) = self.steps.front().cloned() {
                if !self.step(&step, now, unread, &mut actions) {
                    break;
                }
                self.steps.pop_front();
                self.until = None;
            } else if !self.pending.is_empty() {
                if !self.is_read(now, unread, &mut actions) {
                    break;
                }
                let piece = std::mem::take(&mut self.pending);
                self.send(piece, &mut actions);
            } else if self.got.end == End::Closed {
                if self.echoes && !self.is_read(now, unread, &mut actions) {
                    break;
                }
                self.shut_down(&mut actions);
                self.closed = true;
            } else {
                let had = self.got.bytes.len();
                if self.read(usize::MAX, now, &mut actions).is_none() {
                    break;
                }
                if self.echoes {
                    self.pending = self.got.bytes[had..].to_vec();
                }
            }
        }
        actions
    }

    /// Runs a step. Returns false if the step must wait.
    fn step(&mut self, step: &Step, now: Duration, unread: bool, actions: &mut Vec<PeerAction>) -> bool {
        match step {
            Step::Send(_) | Step::ShutDown | Step::Reset if !self.is_read(now, unread, actions) => false,
            Step::Send(bytes) => {
                self.send(bytes.clone(), actions);
                true
            }
            Step::ShutDown => {
                self.shut_down(actions);
                true
            }
            Step::Reset => {
                self.break_off(End::Broken, actions);
                true
            }
            Step::Receive(count) => {
                let mut left = self.wanted.take().unwrap_or(*count);
                while left > 0 && self.got.end == End::Open {
                    let Some(n) = self.read(left, now, actions) else {
                        self.wanted = Some(left);
                        return false;
                    };
                    left -= n;
                }
                true
            }
            Step::ReceiveEnd => {
                while self.got.end == End::Open {
                    if self.read(usize::MAX, now, actions).is_none() {
                        return false;
                    }
                }
                true
            }
            Step::Wait(time) => self.is_past(now, *time, actions),
        }
    }

    /// Returns whether this much time has passed since the first call for the current step.
    fn is_past(&mut self, now: Duration, time: Duration, actions: &mut Vec<PeerAction>) -> bool {
        let until = *self.until.get_or_insert(now + time);
        if now < until {
            actions.push(PeerAction::Wake(until));
        }
        now >= until
    }

    /// Returns whether the proxy has read the earlier data, or the time to wait for that is over.
    fn is_read(&mut self, now: Duration, unread: bool, actions: &mut Vec<PeerAction>) -> bool {
        let unread = unread || actions.iter().any(|d| matches!(d, PeerAction::Send(_)));
        let continues = !unread || self.is_past(now, UNREAD_PATIENCE, actions);
        if continues {
            self.until = None;
        }
        continues
    }

    /// Reads available data and returns the number of bytes, 0 at the end of the stream. `None` if nothing is
    /// available yet.
    fn read(&mut self, most: usize, now: Duration, actions: &mut Vec<PeerAction>) -> Option<usize> {
        let n = most.min(self.inbox.len());
        if n > 0 {
            self.got.bytes.extend(self.inbox.drain(..n));
        } else if self.rst {
            self.got.end = End::Reset;
        } else if self.fin {
            self.got.end = End::Closed;
        } else if self.is_past(now, self.patience, actions) {
            self.break_off(End::Hang, actions);
        } else {
            return None;
        }
        self.until = None;
        Some(n)
    }

    fn send(&mut self, bytes: Vec<u8>, actions: &mut Vec<PeerAction>) {
        if self.rst && self.got.end == End::Open {
            self.got.end = End::Reset;
        } else if !bytes.is_empty() && !self.shut {
            actions.push(PeerAction::Send(bytes));
        }
    }

    fn shut_down(&mut self, actions: &mut Vec<PeerAction>) {
        if !std::mem::replace(&mut self.shut, true) {
            actions.push(PeerAction::Fin);
        }
    }

    fn break_off(&mut self, end: End, actions: &mut Vec<PeerAction>) {
        self.got.end = end;
        actions.push(PeerAction::Rst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_piece_waits_until_the_one_before_was_read_or_timed_out() {
        let mut peer = Peer::new(&Script::new().send("a").send("b"));
        let wake = PeerAction::Wake(UNREAD_PATIENCE);
        assert_eq!(peer.play(Duration::ZERO, false), [PeerAction::Send(b"a".to_vec()), wake]);
        assert_eq!(peer.play(MS, true), [PeerAction::Wake(UNREAD_PATIENCE)]);
        assert_eq!(peer.play(UNREAD_PATIENCE, true)[0], PeerAction::Send(b"b".to_vec()));
    }

    #[test]
    fn receives_in_pieces_and_keeps_surplus_bytes() {
        let mut peer = Peer::new(&Script::new().receive(3).shut_down());
        peer.play(Duration::ZERO, false);
        peer.deliver(b"ab", false);
        assert!(!peer.play(MS, false).contains(&PeerAction::Fin));
        peer.deliver(b"cd", false);
        assert!(peer.play(2 * MS, false).contains(&PeerAction::Fin));
        assert_eq!(peer.got.bytes, b"abcd");
    }

    #[test]
    fn patience_restarts_with_each_byte() {
        let mut peer = Peer::new(&Script::new().patience(10 * MS));
        assert_eq!(peer.play(Duration::ZERO, false), [PeerAction::Wake(10 * MS)]);
        peer.deliver(b"a", false);
        assert_eq!(peer.play(9 * MS, false), [PeerAction::Wake(19 * MS)]);
        assert_eq!(peer.play(19 * MS, false), [PeerAction::Rst]);
        assert_eq!((peer.got.end, peer.closed), (End::Hang, true));
    }

    #[test]
    fn an_echo_sends_back_what_it_gets_and_then_ends() {
        let mut peer = Peer::upstream(&TcpUpstream::Echo).unwrap();
        peer.deliver(b"ab", true);
        let played = peer.play(Duration::ZERO, false);
        assert_eq!(played, [PeerAction::Send(b"ab".to_vec()), PeerAction::Wake(UNREAD_PATIENCE)]);
        assert_eq!(peer.play(MS, false), [PeerAction::Fin]);
        assert_eq!((peer.got.end, peer.closed), (End::Closed, true));
    }

    #[test]
    fn a_reset_is_noticed_after_earlier_data() {
        let mut peer = Peer::new(&Script::new());
        peer.deliver(b"a", false);
        peer.deliver_rst();
        assert_eq!(peer.play(Duration::ZERO, false), []);
        assert_eq!((peer.got.bytes.as_slice(), peer.got.end), (&b"a"[..], End::Reset));
    }
}
