//! Selects the next answer of an upstream. Both hosts use this, so that both give the same answers.

use super::{Answer, Upstream};
use std::cmp::Reverse;

/// Counts the answers that an upstream has given, in total and for each path prefix.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    given: usize,
    by_path: Vec<usize>,
}

impl Turns {
    /// Returns the answer to a request for this path, and advances to the next answer.
    pub fn turn(&mut self, upstream: &Upstream, path: &str) -> Option<Answer> {
        let fits = |prefix: &str| {
            let rest = path.strip_prefix(prefix);
            rest.is_some_and(|rest| prefix.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?']))
        };
        let own = upstream.by_path.iter().enumerate().filter(|(_, (prefix, _))| fits(prefix));
        let found = own.max_by_key(|(at, (prefix, _))| (prefix.len(), Reverse(*at))).map(|(at, _)| at);
        let (answers, given) = match found {
            Some(at) => {
                self.by_path.resize(upstream.by_path.len(), 0);
                (&upstream.by_path[at].1, &mut self.by_path[at])
            }
            None => (&upstream.answers, &mut self.given),
        };
        *given += 1;
        answers.get(*given - 1).or(answers.last()).cloned()
    }

    /// Returns the answer to the next request whose path has no answers of its own, without advancing.
    pub fn next<'u>(&self, upstream: &'u Upstream) -> Option<&'u Answer> {
        upstream.answers.get(self.given).or(upstream.answers.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Response;
    use std::time::Duration;

    fn answer(status: u16) -> Answer {
        Answer::Reply { response: Response::new(status), after: Duration::ZERO }
    }

    #[test]
    fn the_longest_prefix_decides_and_has_its_own_sequence() {
        let upstream = Upstream::answers("u", vec![answer(200), answer(201)])
            .on("/a", vec![answer(300), answer(301)])
            .on("/a/b", vec![answer(400)]);
        let mut turns = Turns::default();
        let mut status = |path| match turns.turn(&upstream, path) {
            Some(Answer::Reply { response, .. }) => response.status,
            other => panic!("{other:?}"),
        };
        let seen = ["/", "/a", "/a/b", "/a/c", "/a?q", "/ab", "/c", "/a/b/c"].map(&mut status);
        assert_eq!(seen, [200, 300, 400, 301, 301, 201, 201, 400]);
    }
}
