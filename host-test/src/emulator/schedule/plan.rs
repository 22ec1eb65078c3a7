//! A schedule as text.

use std::fmt;
use std::str::FromStr;

/// Whose turn it was at each host call that touches what threads share: `1 2 2 1`.
///
/// 0 is the main thread and 1 the first worker, as in the trace. It says nothing of the calls themselves, so that it
/// can be written by hand as well. Where it ends, whoever runs goes on, or else the first who can.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule(pub Vec<usize>);

/// Text that is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` in a schedule is no number of a thread")]
pub struct NoSchedule(String);

impl FromStr for Schedule {
    type Err = NoSchedule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let turn = |turn: &str| turn.parse().map_err(|_| NoSchedule(turn.into()));
        text.split_ascii_whitespace().map(turn).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, turn) in self.0.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}{turn}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_the_word_that_is_no_thread() {
        let error = "1 two 2".parse::<Schedule>().unwrap_err();
        assert_eq!(error.to_string(), "`two` in a schedule is no number of a thread");
        assert!("1 -2".parse::<Schedule>().is_err());
        assert_eq!("".parse(), Ok(Schedule::default()));
        assert_eq!(" 1\n2 ".parse(), Ok(Schedule(vec![1, 2])));
    }

    proptest! {
        #[test]
        fn is_read_as_it_is_written(turns: Vec<usize>) {
            let schedule = Schedule(turns);
            prop_assert_eq!(schedule.to_string().parse(), Ok(schedule));
        }
    }
}
