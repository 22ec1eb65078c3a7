//! The path for operators: reads the states, and forces them.
//!
//! | request | answer |
//! |---|---|
//! | `GET <path>` | the states of all breakers; of a breaker with a key, only its configuration |
//! | `GET <path>?breaker=NAME&key=VALUE` | the state for a key, with one `key` for each part |
//! | `POST <path>?breaker=NAME&force=open` | forces the state `open` or `closed`, or ends that with `auto` |

use super::{Policy, find_or_insert};
use crate::config::{Admin, Mode};
use crate::machine::{Change, Status, Step};
use crate::plan::Breaker;
use crate::record::{self, Force, Header, Record, State};
use crate::{Environment, Reason, Refusal, key};
use serde_json::{Map, Value};
use std::borrow::Cow;
use tollgate_counting::table::Place;
use tollgate_policy::{RequestFacts, UnixNanos, uri};

/// Why a request of an operator is rejected: the status, and a text.
type Rejected = (u16, &'static str);

impl Policy {
    /// Answers a request to the admin path.
    pub(super) fn answer_operator(
        &mut self,
        request: &RequestFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Option<Refusal> {
        let admin = self.plan.admin.as_ref()?;
        if request.path_only() != admin.path.as_bytes() {
            return None;
        }
        let answer = match request.method {
            b"GET" if admin.public_read || is_operator(admin, request) => self.states(request, env, now),
            b"POST" if is_operator(admin, request) => self.force(request, env, now),
            b"GET" | b"POST" => Err((401, "expected `authorization: Bearer <secret>`")),
            _ => Err((405, "expected `GET` or `POST`")),
        };
        let (status, body) = answer.map_or_else(
            |(status, text)| (status, Value::Object(members([("error", text.into())]))),
            |body| (200, body),
        );
        let mut headers = vec![
            ("content-type".into(), b"application/json".to_vec()),
            ("cache-control".into(), b"no-store".to_vec()),
        ];
        if status == 401 {
            headers.push(("www-authenticate".into(), b"Bearer".to_vec()));
        }
        let body = body.to_string().into_bytes();
        Some(Refusal { reason: Reason::Admin, status, grpc_status: 0, headers, body })
    }

    fn states(
        &self,
        request: &RequestFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Result<Value, Rejected> {
        let mut list = Vec::new();
        if value(request, "breaker").is_some() {
            let (_, breaker, place, _) = self.named(request)?;
            list.push(self.state(breaker, Some(place), env, now)?);
        } else {
            for breaker in &self.plan.breakers {
                let place = self.place_of(breaker, &[]).map(|(place, _)| place);
                list.push(self.state(breaker, place, env, now)?);
            }
        }
        Ok(Value::Object(members([("breakers", Value::Array(list))])))
    }

    fn force(
        &mut self,
        request: &RequestFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Result<Value, Rejected> {
        let force = match value(request, "force").as_deref() {
            Some(b"open") => Force::Open,
            Some(b"closed") => Force::Closed,
            Some(b"auto") => Force::Auto,
            _ => return Err((400, "expected `force=open`, `force=closed` or `force=auto`")),
        };
        let (index, breaker, place, key) = self.named(request)?;
        if matches!(breaker.mode, Mode::Disabled | Mode::ForcedOpen) {
            return Err((409, "the `mode` of the breaker does not allow this"));
        }
        let mut found: Option<(Vec<Change>, Option<Header>)> = None;
        env.host()
            .shared()
            .page(place.page, &mut |page| {
                let bytes = self.plan.record_bytes;
                let Some((mut record, evicted)) = find_or_insert(breaker, page, bytes, place.tag, now) else {
                    return false;
                };
                let mut step = Step::new(&breaker.numbers, &mut record, now, 0);
                step.force(force);
                found = Some((step.changes, evicted));
                record.save(now);
                true
            })
            .map_err(|_| UNAVAILABLE)?;
        let state = self.state(breaker, Some(place), env, now)?;
        let (changes, evicted) = found.ok_or(UNAVAILABLE)?;
        self.report(index, &key, &changes, evicted, env);
        Ok(state)
    }

    /// Returns the breaker and the key that a request names.
    fn named(&self, request: &RequestFacts<'_>) -> Result<(usize, &Breaker, Place, Box<str>), Rejected> {
        let name = value(request, "breaker").ok_or((400, "expected `breaker=<name>`"))?;
        let mut breakers = self.plan.breakers.iter().enumerate();
        let found = breakers.find(|(_, breaker)| breaker.name.as_bytes() == &*name);
        let (index, breaker) = found.ok_or((404, "unknown breaker"))?;
        let values: Vec<_> = uri::query_values(request.query(), b"key").collect();
        let place =
            self.place_of(breaker, &values).ok_or((400, "expected one `key` for each part of the key"))?;
        Ok((index, breaker, place.0, place.1))
    }

    /// Returns the place of a key with one value for each part.
    fn place_of(&self, breaker: &Breaker, values: &[Cow<'_, [u8]>]) -> Option<(Place, Box<str>)> {
        let hasher = self.placer.key(breaker.key_fingerprint);
        (values.len() == breaker.key.len()).then(|| key::place(values.iter().map(|value| &**value), hasher))
    }

    fn state(
        &self,
        breaker: &Breaker,
        place: Option<Place>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Result<Value, Rejected> {
        let mode = match breaker.mode {
            Mode::Automatic => "automatic",
            Mode::MetricsOnly => "metrics_only",
            Mode::Disabled => "disabled",
            Mode::ForcedOpen => "forced_open",
        };
        let base = members([("name", breaker.name.as_str().into()), ("mode", mode.into())]);
        let mut all = base.clone();
        if let Some(place) = place {
            env.host()
                .shared()
                .page(place.page, &mut |page| {
                    // The host may call this several times.
                    all.clone_from(&base);
                    let found = record::find(page, breaker.layout, self.plan.record_bytes, place.tag);
                    describe(breaker, found, now, &mut all);
                    false
                })
                .map_err(|_| UNAVAILABLE)?;
        }
        Ok(Value::Object(all))
    }
}

const UNAVAILABLE: Rejected = (503, "shared memory is not available");

fn describe(breaker: &Breaker, record: Option<Record<'_>>, now: UnixNanos, all: &mut Map<String, Value>) {
    let mut record = record.filter(|record| record.header.fingerprint == breaker.numbers.fingerprint);
    let header = record.as_ref().map(|record| record.header).unwrap_or_default();
    let mut add = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    add("state", Status::new(&header).name().into());
    let totals = record.as_mut().map(|record| breaker.numbers.window.totals(record.window, now));
    let totals = totals.unwrap_or_default();
    add("requests", totals.requests.into());
    add("failed", totals.failed.into());
    add("slow", totals.slow.into());
    add("openings", header.openings.into());
    match header.state {
        State::Closed => {}
        State::Open => add("open_for_ms", (header.until.saturating_sub(now.0) / 1_000_000).into()),
        State::HalfOpen => {
            add("probes_admitted", header.admitted.into());
            add("probes_done", header.done.into());
        }
    }
    if let (Some(gradient), Some(record)) = (&breaker.gradient, record) {
        let limit = gradient.limit(record.gradient, now);
        add("concurrency_limit", limit.limit.into());
        add("min_rtt_us", limit.min_rtt.into());
    }
}

fn is_operator(admin: &Admin, request: &RequestFacts<'_>) -> bool {
    let mut values = request.headers.all(b"authorization");
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, secret)) = value.split_at_checked(b"Bearer ".len()) else { return false };
    scheme.eq_ignore_ascii_case(b"Bearer ") && admin.secret.equals(secret)
}

fn value<'r>(request: &RequestFacts<'r>, name: &'r str) -> Option<Cow<'r, [u8]>> {
    uri::query_values(request.query(), name.as_bytes()).next()
}

fn members<const N: usize>(list: [(&str, Value); N]) -> Map<String, Value> {
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
