//! The text form of a schedule.

use std::fmt;
use std::str::FromStr;

/// The thread that runs at each access to shared state: `1 2 2 1`.
///
/// 0 is the main thread and 1 the first worker, as in the trace. A schedule does not name the host calls, so
/// it can be written by hand. After its end the running thread continues, or else the first thread that can
/// run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule(pub Vec<usize>);

/// The error for text that is not a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid schedule: `{0}` is not a thread number")]
pub struct ParseScheduleError(String);

impl FromStr for Schedule {
    type Err = ParseScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let turn = |turn: &str| turn.parse().map_err(|_| ParseScheduleError(turn.into()));
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
    fn names_the_word_that_is_not_a_thread() {
        let error = "1 two 2".parse::<Schedule>().unwrap_err();
        assert_eq!(error.to_string(), "invalid schedule: `two` is not a thread number");
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
