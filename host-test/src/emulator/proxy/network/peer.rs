//! One end of an emulated connection: a client or an upstream that plays its script, and the kernel's buffers in
//! between.

use crate::{End, Received, Script, Step, TcpUpstream};
use std::collections::VecDeque;
use std::time::Duration;

/// For how long a sender waits for what it has sent before to be read. As the ends of the Envoy runner do.
const UNREAD_PATIENCE: Duration = Duration::from_millis(300);

/// What an end does to the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Send(Vec<u8>),
    Fin,
    Rst,
    /// Look again then.
    Wake(Duration),
}

/// One end.
#[derive(Debug)]
pub(crate) struct Peer {
    steps: VecDeque<Step>,
    echoes: bool,
    patience: Duration,
    pub got: Received,
    /// What the kernel holds for it.
    inbox: Vec<u8>,
    fin: bool,
    rst: bool,
    shut: bool,
    /// It has given up its socket.
    pub closed: bool,
    /// Of the step under way: bytes still to come, and until when it waits.
    wanted: Option<usize>,
    until: Option<Duration>,
    /// What an echo is to send back.
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

    /// The upstream; none if it refuses.
    pub fn upstream(behaviour: &TcpUpstream) -> Option<Self> {
        match behaviour {
            TcpUpstream::Echo => Some(Self { echoes: true, ..Self::new(&Script::default()) }),
            TcpUpstream::Script(script) => Some(Self::new(script)),
            TcpUpstream::Refuse => None,
        }
    }

    /// Bytes from the proxy, and whether they are the last.
    pub fn hand(&mut self, bytes: &[u8], end: bool) {
        self.inbox.extend_from_slice(bytes);
        self.fin |= end;
    }

    /// The proxy breaks the connection.
    pub fn hand_rst(&mut self) {
        self.rst = true;
    }

    /// Plays on. `unread` says whether the proxy has not read all that was sent.
    pub fn play(&mut self, now: Duration, unread: bool) -> Vec<Doing> {
        let mut doing = Vec::new();
        while !self.closed {
            if matches!(self.got.end, End::Reset | End::Broken | End::Hang) {
                self.closed = true;
            } else if let Some(step) = self.steps.front().cloned() {
                if !self.step(&step, now, unread, &mut doing) {
                    break;
                }
                self.steps.pop_front();
                self.until = None;
            } else if !self.pending.is_empty() {
                if !self.is_read(now, unread, &mut doing) {
                    break;
                }
                let piece = std::mem::take(&mut self.pending);
                self.send(piece, &mut doing);
            } else if self.got.end == End::Closed {
                if self.echoes && !self.is_read(now, unread, &mut doing) {
                    break;
                }
                self.shut_down(&mut doing);
                self.closed = true;
            } else {
                let had = self.got.bytes.len();
                if self.read(usize::MAX, now, &mut doing).is_none() {
                    break;
                }
                if self.echoes {
                    self.pending = self.got.bytes[had..].to_vec();
                }
            }
        }
        doing
    }

    /// Whether a step is done, or else waits.
    fn step(&mut self, step: &Step, now: Duration, unread: bool, doing: &mut Vec<Doing>) -> bool {
        match step {
            Step::Send(_) | Step::ShutDown | Step::Reset if !self.is_read(now, unread, doing) => false,
            Step::Send(bytes) => {
                self.send(bytes.clone(), doing);
                true
            }
            Step::ShutDown => {
                self.shut_down(doing);
                true
            }
            Step::Reset => {
                self.break_off(End::Broken, doing);
                true
            }
            Step::Receive(count) => {
                let mut left = self.wanted.take().unwrap_or(*count);
                while left > 0 && self.got.end == End::Open {
                    let Some(n) = self.read(left, now, doing) else {
                        self.wanted = Some(left);
                        return false;
                    };
                    left -= n;
                }
                true
            }
            Step::ReceiveEnd => {
                while self.got.end == End::Open {
                    if self.read(usize::MAX, now, doing).is_none() {
                        return false;
                    }
                }
                true
            }
            Step::Wait(time) => self.is_past(now, *time, doing),
        }
    }

    /// Whether this much time has gone by since it was first asked.
    fn is_past(&mut self, now: Duration, time: Duration, doing: &mut Vec<Doing>) -> bool {
        let until = *self.until.get_or_insert(now + time);
        if now < until {
            doing.push(Doing::Wake(until));
        }
        now >= until
    }

    /// Whether what was sent has been read, or is not going to be.
    fn is_read(&mut self, now: Duration, unread: bool, doing: &mut Vec<Doing>) -> bool {
        let unread = unread || doing.iter().any(|d| matches!(d, Doing::Send(_)));
        let goes_on = !unread || self.is_past(now, UNREAD_PATIENCE, doing);
        if goes_on {
            self.until = None;
        }
        goes_on
    }

    /// Reads what there is: how many bytes, none at the end. `None` if there is nothing yet.
    fn read(&mut self, most: usize, now: Duration, doing: &mut Vec<Doing>) -> Option<usize> {
        let n = most.min(self.inbox.len());
        if n > 0 {
            self.got.bytes.extend(self.inbox.drain(..n));
        } else if self.rst {
            self.got.end = End::Reset;
        } else if self.fin {
            self.got.end = End::Closed;
        } else if self.is_past(now, self.patience, doing) {
            self.break_off(End::Hang, doing);
        } else {
            return None;
        }
        self.until = None;
        Some(n)
    }

    fn send(&mut self, bytes: Vec<u8>, doing: &mut Vec<Doing>) {
        if self.rst && self.got.end == End::Open {
            self.got.end = End::Reset;
        } else if !bytes.is_empty() && !self.shut {
            doing.push(Doing::Send(bytes));
        }
    }

    fn shut_down(&mut self, doing: &mut Vec<Doing>) {
        if !std::mem::replace(&mut self.shut, true) {
            doing.push(Doing::Fin);
        }
    }

    fn break_off(&mut self, end: End, doing: &mut Vec<Doing>) {
        self.got.end = end;
        doing.push(Doing::Rst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_piece_is_sent_when_the_one_before_was_read_or_is_not_going_to_be() {
        let mut peer = Peer::new(&Script::new().send("a").send("b"));
        let wake = Doing::Wake(UNREAD_PATIENCE);
        assert_eq!(peer.play(Duration::ZERO, false), [Doing::Send(b"a".to_vec()), wake]);
        assert_eq!(peer.play(MS, true), [Doing::Wake(UNREAD_PATIENCE)]);
        assert_eq!(peer.play(UNREAD_PATIENCE, true)[0], Doing::Send(b"b".to_vec()));
    }

    #[test]
    fn what_is_waited_for_may_come_in_pieces_and_what_is_more_stays() {
        let mut peer = Peer::new(&Script::new().receive(3).shut_down());
        peer.play(Duration::ZERO, false);
        peer.hand(b"ab", false);
        assert!(!peer.play(MS, false).contains(&Doing::Fin));
        peer.hand(b"cd", false);
        assert!(peer.play(2 * MS, false).contains(&Doing::Fin));
        assert_eq!(peer.got.bytes, b"abcd");
    }

    #[test]
    fn patience_begins_anew_with_each_byte() {
        let mut peer = Peer::new(&Script::new().patience(10 * MS));
        assert_eq!(peer.play(Duration::ZERO, false), [Doing::Wake(10 * MS)]);
        peer.hand(b"a", false);
        assert_eq!(peer.play(9 * MS, false), [Doing::Wake(19 * MS)]);
        assert_eq!(peer.play(19 * MS, false), [Doing::Rst]);
        assert_eq!((peer.got.end, peer.closed), (End::Hang, true));
    }

    #[test]
    fn an_echo_sends_back_what_it_gets_and_ends_behind_it() {
        let mut peer = Peer::upstream(&TcpUpstream::Echo).unwrap();
        peer.hand(b"ab", true);
        let played = peer.play(Duration::ZERO, false);
        assert_eq!(played, [Doing::Send(b"ab".to_vec()), Doing::Wake(UNREAD_PATIENCE)]);
        assert_eq!(peer.play(MS, false), [Doing::Fin]);
        assert_eq!((peer.got.end, peer.closed), (End::Closed, true));
    }

    #[test]
    fn a_broken_connection_is_noticed_behind_what_came_before() {
        let mut peer = Peer::new(&Script::new());
        peer.hand(b"a", false);
        peer.hand_rst();
        assert_eq!(peer.play(Duration::ZERO, false), []);
        assert_eq!((peer.got.bytes.as_slice(), peer.got.end), (&b"a"[..], End::Reset));
    }
}
