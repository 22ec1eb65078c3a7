//! Checks of a token's times.

use super::Registered;
use crate::Reason;
use crate::config::Provider;
use tollgate_policy::{Duration, UnixNanos};

const NANOS: u64 = 1_000_000_000;

/// Times of a token, in seconds since 1970, and its provider's requirements of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    not_before: u64,
    issued_at: u64,
    expires: Option<u64>,
    skew: u64,
    max_lifetime: Option<Duration>,
    must_expire: bool,
}

impl Validity {
    /// Returns the times of a token of a provider.
    pub fn new(claims: &Registered, provider: &Provider) -> Self {
        Self {
            not_before: claims.not_before.unwrap_or(0),
            issued_at: claims.issued_at.unwrap_or(0),
            expires: claims.expires,
            skew: provider.clock_skew_seconds.0.into(),
            max_lifetime: provider.max_lifetime,
            must_expire: provider.require_expiration || provider.max_lifetime.is_some(),
        }
    }

    /// Checks that the token is valid now, in whole seconds as in Envoy's `Jwt::verifyTimeConstraint`. The
    /// token is valid from the second `nbf` to the second `exp`, both included, and the clock skew extends
    /// both ends. Two differences from Envoy: `exp: 0` is a time, not an absent claim, and `iat` must not be
    /// in the future.
    pub fn check(&self, now: UnixNanos) -> Result<(), Reason> {
        let now = now.0 / NANOS;
        let latest = now.saturating_add(self.skew);
        if latest < self.not_before || latest < self.issued_at {
            return Err(Reason::NotYetValid);
        }
        match self.expires {
            Some(expires) if now > expires.saturating_add(self.skew) => Err(Reason::Expired),
            _ => Ok(()),
        }
    }

    /// Checks `require_expiration` and `max_lifetime`. The remaining lifetime counts, as in Envoy's
    /// `isLifetimeAllowed`, because `iat` is optional.
    pub fn check_lifetime(&self, now: UnixNanos) -> Result<(), Reason> {
        let Some(expires) = self.expires else {
            return if self.must_expire { Err(Reason::LifetimeTooLong) } else { Ok(()) };
        };
        let left = u128::from(expires.saturating_sub(now.0 / NANOS)) * u128::from(NANOS);
        match self.max_lifetime {
            Some(max) if left > u128::from(max.as_nanos()) => Err(Reason::LifetimeTooLong),
            _ => Ok(()),
        }
    }

    /// Returns the first second at which the token is expired, if it expires.
    pub fn expired_from(&self) -> Option<u64> {
        self.expires.map(|expires| expires.saturating_add(self.skew).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ClockSkew;

    fn at(seconds: u64) -> UnixNanos {
        UnixNanos(seconds * NANOS)
    }

    fn validity(claims: Registered, skew: u32, max_lifetime: Option<&str>) -> Validity {
        let max_lifetime = max_lifetime.map(|text| text.parse().unwrap());
        let provider = Provider { clock_skew_seconds: ClockSkew(skew), max_lifetime, ..Provider::default() };
        Validity::new(&claims, &provider)
    }

    #[test]
    fn a_token_is_valid_until_exp_plus_the_skew() {
        for skew in [0, 1, 60] {
            let token = validity(Registered { expires: Some(1000), ..Registered::default() }, skew, None);
            let last = 1000 + u64::from(skew);
            assert_eq!(token.check(at(last)), Ok(()));
            assert_eq!(token.check(UnixNanos(at(last + 1).0 - 1)), Ok(()));
            assert_eq!(token.check(at(last + 1)), Err(Reason::Expired));
            assert_eq!(token.expired_from(), Some(last + 1));
        }
    }

    #[test]
    fn a_token_is_valid_from_nbf_and_iat_minus_the_skew() {
        let nbf = Registered { not_before: Some(1000), ..Registered::default() };
        let iat = Registered { issued_at: Some(1000), ..Registered::default() };
        for claims in [nbf, iat] {
            for skew in [0u32, 1, 60] {
                let token = validity(claims.clone(), skew, None);
                let first = 1000 - u64::from(skew);
                assert_eq!(token.check(at(first)), Ok(()));
                assert_eq!(token.check(UnixNanos(at(first).0 - 1)), Err(Reason::NotYetValid));
            }
        }
    }

    #[test]
    fn the_ends_of_time_overflow_nothing() {
        let far = Registered {
            expires: Some(u64::MAX - 1),
            not_before: Some(u64::MAX - 1),
            ..Registered::default()
        };
        assert_eq!(validity(far, u32::MAX, None).check(UnixNanos(u64::MAX)), Err(Reason::NotYetValid));
        let zero = Registered { expires: Some(0), ..Registered::default() };
        assert_eq!(validity(zero.clone(), 0, None).check(at(1)), Err(Reason::Expired));
        assert_eq!(validity(zero, 0, None).check(at(0)), Ok(()));
        let never = validity(Registered::default(), 0, None);
        assert_eq!((never.check(UnixNanos(u64::MAX)), never.expired_from()), (Ok(()), None));
    }

    #[test]
    fn what_is_left_of_a_life_is_at_most_the_lifetime() {
        let token = |exp| Registered { expires: exp, ..Registered::default() };
        let max = Some("100s");
        assert_eq!(validity(token(Some(1100)), 60, max).check_lifetime(at(1000)), Ok(()));
        assert_eq!(
            validity(token(Some(1101)), 60, max).check_lifetime(at(1000)),
            Err(Reason::LifetimeTooLong)
        );
        assert_eq!(validity(token(Some(1101)), 60, max).check_lifetime(at(1001)), Ok(()));
        assert_eq!(validity(token(None), 60, max).check_lifetime(at(1000)), Err(Reason::LifetimeTooLong));
        assert_eq!(validity(token(None), 60, None).check_lifetime(at(1000)), Ok(()));
        let required = Provider { require_expiration: true, ..Provider::default() };
        assert_eq!(
            Validity::new(&token(None), &required).check_lifetime(at(0)),
            Err(Reason::LifetimeTooLong)
        );
        assert_eq!(Validity::new(&token(Some(u64::MAX - 1)), &required).check_lifetime(at(0)), Ok(()));
    }
}
