//! Lengths of fixed windows.

/// Length of the windows of a rate. All windows follow each other without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// A number of nanoseconds; the first window begins at the Unix epoch.
    Nanos(u64),
    /// A number of months of the calendar, in UTC; the first window begins at the Unix epoch.
    Months(u32),
}

const DAY: u64 = 86_400 * 1_000_000_000;

impl Length {
    /// Returns the end of the window that contains a time: the first end after it.
    pub fn end_after(self, time: u64) -> u64 {
        match self {
            Self::Nanos(window) => (time - time % window.max(1)).saturating_add(window),
            Self::Months(months) => {
                let months = u64::from(months.max(1));
                start_of(month_of(time) / months * months + months)
            }
        }
    }

    /// Returns the end of the window after the one with this end.
    pub fn next_end(self, end: u64) -> u64 {
        match self {
            Self::Nanos(window) => end.saturating_add(window),
            Self::Months(_) => self.end_after(end),
        }
    }

    /// Returns whether a window can end at this time. A multiple of `Nanos` is not checked, because windows
    /// of any other phase are right as well.
    pub fn can_end(self, end: u64) -> bool {
        matches!(self, Self::Nanos(_)) || self.end_after(end.saturating_sub(1)) == end
    }

    /// Returns the beginning of the window with this end.
    pub fn start_before(self, end: u64) -> u64 {
        match self {
            Self::Nanos(window) => end.saturating_sub(window),
            Self::Months(months) => {
                let months = u64::from(months.max(1));
                start_of(month_of(end.saturating_sub(1)) / months * months)
            }
        }
    }

    /// Returns the length of the longest window.
    pub fn longest(self) -> u64 {
        match self {
            Self::Nanos(window) => window,
            Self::Months(months) => u64::from(months).saturating_mul(31 * DAY),
        }
    }
}

/// Days from the begin of the proleptic Gregorian year 0 in March, where leap days are the last of a year, to
/// the Unix epoch.
const EPOCH_DAYS: u64 = 719_468;

/// Months from there to the Unix epoch.
const EPOCH_MONTHS: u64 = 1970 * 12 - 2;

/// Returns the number of whole months from the Unix epoch to a time. Uses `civil_from_days` of Howard Hinnant
/// (`chrono-Compatible Low-Level Date Algorithms`).
fn month_of(time: u64) -> u64 {
    let days = time / DAY + EPOCH_DAYS;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    (era * 400 + year) * 12 + (5 * day + 2) / 153 - EPOCH_MONTHS
}

/// Returns the time at which a month since the Unix epoch begins.
fn start_of(month: u64) -> u64 {
    let months = month + EPOCH_MONTHS;
    let (years, month) = (months / 12, months % 12);
    let (era, year) = (years / 400, years % 400);
    let days = era * 146_097 + 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5;
    (days - EPOCH_DAYS).saturating_mul(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn knows_the_calendar() {
        for (time, month, start, end) in [
            // `date -u -d 2024-02-29T23:59:59 +%s`
            (1_709_251_199, 649, 1_706_745_600, 1_709_251_200),
            (1_709_251_200, 650, 1_709_251_200, 1_711_929_600),
            (0, 0, 0, 2_678_400),
            (4_107_542_400, 1562, 4_107_542_400, 4_110_220_800),
        ] {
            assert_eq!(month_of(time * SECOND), month, "{time}");
            let months = Length::Months(1);
            assert_eq!(months.end_after(time * SECOND), end * SECOND);
            assert_eq!(months.start_before(end * SECOND), start * SECOND);
        }
        let years = Length::Months(12);
        assert_eq!(years.end_after(1_709_251_199 * SECOND), 1_735_689_600 * SECOND);
        assert_eq!(years.start_before(1_735_689_600 * SECOND), 1_704_067_200 * SECOND);
    }

    #[test]
    fn windows_follow_each_other() {
        for length in [Length::Months(1), Length::Months(3), Length::Months(12), Length::Nanos(7 * DAY)] {
            let mut start = 0;
            for _ in 0..2_000 / length.longest().div_ceil(31 * DAY).max(1) {
                let end = length.end_after(start);
                assert_eq!((length.end_after(end - 1), length.start_before(end)), (end, start));
                assert!(end - start <= length.longest());
                start = end;
            }
        }
    }
}
