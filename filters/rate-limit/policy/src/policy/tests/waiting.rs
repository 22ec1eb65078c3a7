//! Requests that wait for room.

use super::*;

#[test]
fn waits_are_ordered() {
    let mut rig = Rig::new(
        "
limits:
  one: {rates: [{token_bucket: {max_tokens: 1, fill_interval: 1s}}], delay: {max_wait: 2s}}
",
    );
    rig.passes(&[]);
    for expected in [SECOND, 2 * SECOND] {
        match rig.send(&[]) {
            Decision::Hold(Hold { until: Until::Turn, timeout: wait, .. }) => assert_eq!(wait, expected),
            other => panic!("{other:?}"),
        }
    }
    let _ = rig.refuses(&[]);
    assert_eq!(rig.counted(0, Event::Delayed), 2);
}

#[test]
fn requests_wait_for_windows() {
    for (rate, waits) in [
        ("fixed_window: {requests: 1, window: 1s}", [SECOND, 2 * SECOND]),
        ("sliding_window: {requests: 2, window: 1s}", [SECOND / 2, SECOND]),
    ] {
        let yaml = format!("limits: {{one: {{rates: [{{{rate}}}], delay: {{max_wait: 2s}}}}}}");
        let mut rig = Rig::new(&yaml);
        if rate.starts_with("sliding") {
            // Two of the last window, of which one counts at the beginning of this one.
            rig.now.0 -= SECOND / 2;
            rig.passes(&[]);
            rig.passes(&[]);
            rig.now.0 += SECOND / 2;
            rig.passes(&[]);
        } else {
            rig.passes(&[]);
        }
        for expected in waits {
            match rig.send(&[]) {
                Decision::Hold(Hold { until: Until::Turn, timeout: wait, .. }) => {
                    assert_eq!(wait, expected, "{rate}")
                }
                other => panic!("{rate}: {other:?}"),
            }
        }
    }
}

#[test]
fn no_request_waits_in_shadow_mode() {
    let limit = "limits: {one: {rates: [{fixed_window: {requests: 1, window: 1h}}], delay: {max_wait: 5m}, shadow: SHADOW}}";
    for yaml in [limit.replace("SHADOW", "true"), limit.replace("SHADOW", "false") + "\nfilter_enforced: 0"] {
        let mut rig = Rig::new(&yaml);
        rig.passes(&[]);
        assert_eq!(rig.passes(&[]).allowed_by, Some(AllowedBy::Shadow(Reason::LocalLimit)));
        assert_eq!((rig.counted(0, Event::Delayed), rig.counted(0, Event::ShadowLimited)), (0, 1));
    }
}

/// Each rate of the first limit gives it another turn, and gets it back.
#[test]
fn a_rejection_after_a_delaying_limit_leaves_no_gap() {
    let mut rig = Rig::new(
        "
limits:
  a:
    rates:
    - fixed_window: {requests: 1, window: 1m}
    - sliding_window: {requests: 2, window: 10s}
    - gcra: {requests: 1, per: 1s}
    delay: {max_wait: 5m}
  b:
    key: [{request_headers: {header_name: x-bad}}]
    rates: [{fixed_window: {requests: 0, window: 1h}}]
",
    );
    rig.passes(&[]);
    for expected in [60, 120, 180] {
        for _ in 0..10 {
            assert_eq!(rig.refuses(&[("x-bad", "")]).reason, Reason::LocalLimit);
        }
        match rig.send(&[]) {
            Decision::Hold(Hold { until: Until::Turn, timeout: wait, .. }) => {
                assert_eq!(wait, expected * SECOND)
            }
            other => panic!("{other:?}"),
        }
    }
}
