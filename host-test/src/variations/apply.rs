//! Applies changes to a scenario. The scenario is data, so most changes are made before it runs.

use super::change::{Change, Kind};
use crate::{Answer, Headers, Response, Scenario, Step, TcpUpstream, Upstream};

/// Returns the scenario with its default upstream written out, and with at least two workers so that requests
/// can move to another one.
pub(super) fn whole(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    if scenario.upstreams.is_empty() {
        scenario.upstreams.push(Upstream::replies("upstream", Response::new(200).chunk("ok")));
    }
    scenario.settings.workers = scenario.settings.workers.max(2);
    scenario
}

/// Returns the kinds of changes that are possible for a scenario, and the others with the reason.
pub(super) fn possible(scenario: &Scenario, wanted: &[Kind]) -> (Vec<Kind>, Vec<(Kind, &'static str)>) {
    let ordered = scenario
        .upstreams
        .iter()
        .any(|u| u.answers.len() > 1 || u.by_path.iter().any(|(_, answers)| answers.len() > 1));
    let why_not = |kind: &Kind| match kind {
        Kind::Overlaps | Kind::HangUps | Kind::UpstreamResets if ordered => {
            Some("an upstream has several answers, so that the order of requests decides their answers")
        }
        Kind::Overlaps if scenario.requests.len() < 2 => Some("the scenario has fewer than two requests"),
        _ => None,
    };
    let left_out = wanted.iter().filter_map(|kind| Some((*kind, why_not(kind)?))).collect();
    (wanted.iter().copied().filter(|kind| why_not(kind).is_none()).collect(), left_out)
}

/// Returns all answers, in the order of their upstreams, with the upstream's name.
pub(super) fn answers(scenario: &Scenario) -> impl Iterator<Item = (&str, &Answer)> {
    scenario.upstreams.iter().flat_map(|upstream| {
        let by_path = upstream.by_path.iter().flat_map(|(_, answers)| answers);
        upstream.answers.iter().chain(by_path).map(|answer| (upstream.name.as_str(), answer))
    })
}

fn answer_mut(scenario: &mut Scenario, index: usize) -> Option<&mut Answer> {
    let all = scenario.upstreams.iter_mut().flat_map(|upstream| {
        let by_path = upstream.by_path.iter_mut().flat_map(|(_, answers)| answers);
        upstream.answers.iter_mut().chain(by_path)
    });
    all.into_iter().nth(index)
}

/// Returns the response of an answer that has one.
pub(super) fn response(answer: &Answer) -> Option<&Response> {
    match answer {
        Answer::Reply { response, .. } | Answer::ResetMidResponse(response) => Some(response),
        _ => None,
    }
}

fn response_mut(scenario: &mut Scenario, index: usize) -> Option<&mut Response> {
    match answer_mut(scenario, index)? {
        Answer::Reply { response, .. } | Answer::ResetMidResponse(response) => Some(response),
        _ => None,
    }
}

/// Applies those changes that are made to the scenario. The others are made while it runs. A change of a
/// request or an answer that does not exist has no effect.
pub(super) fn apply(scenario: &Scenario, changes: &[Change]) -> Scenario {
    let mut scenario = scenario.clone();
    for change in changes {
        match change {
            Change::RequestCuts { request, cuts } => {
                if let Some(request) = scenario.requests.get_mut(*request) {
                    let chunked = request.body.len() > 1 || !request.trailers.0.is_empty();
                    cut(&mut request.body, &mut request.headers, chunked, cuts);
                    request.waits.clear();
                }
            }
            Change::ResponseCuts { answer, cuts } => {
                if let Some(response) = response_mut(&mut scenario, *answer) {
                    let chunked = response.body.len() > 1 || !response.trailers.0.is_empty();
                    cut(&mut response.body, &mut response.headers, chunked, cuts);
                    response.waits.clear();
                }
            }
            Change::SendCuts { send, cuts } => cut_send(&mut scenario, *send, cuts),
            Change::RequestHeaderFirst { request, name } => {
                if let Some(request) = scenario.requests.get_mut(*request) {
                    first(&mut request.headers, name);
                }
            }
            Change::ResponseHeaderFirst { answer, name } => {
                if let Some(response) = response_mut(&mut scenario, *answer) {
                    first(&mut response.headers, name);
                }
            }
            Change::Latency { answer, after: latency } => {
                if let Some(Answer::Reply { after, .. } | Answer::Grpc { after, .. }) =
                    answer_mut(&mut scenario, *answer)
                {
                    *after = *latency;
                }
            }
            _ => {}
        }
    }
    scenario
}

/// Splits a body. Keeps its framing, because filters and peers can see whether there is a `content-length`.
fn cut(body: &mut Vec<Vec<u8>>, headers: &mut Headers, chunked: bool, cuts: &[usize]) {
    let whole = body.concat();
    if whole.is_empty() {
        return;
    }
    let mut pieces = pieces(&whole, cuts);
    if chunked {
        // A single piece would be sent with its length. The empty piece is not sent, but makes the body
        // chunked.
        pieces.push(Vec::new());
    } else if headers.get("content-length").is_none() {
        headers.push("content-length", whole.len().to_string());
    }
    *body = pieces;
}

/// Splits bytes into at least one piece. Ignores offsets that are not between two bytes.
fn pieces(whole: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut rest = whole;
    for place in cuts {
        let gone = whole.len() - rest.len();
        let Some((piece, after)) = rest.split_at_checked(place.saturating_sub(gone)) else { continue };
        if !piece.is_empty() && !after.is_empty() {
            pieces.push(piece.to_vec());
            rest = after;
        }
    }
    pieces.push(rest.to_vec());
    pieces
}

/// Returns all `Send` steps of TCP connections, in order: those of the clients, then those of the upstream.
pub(super) fn sends(scenario: &Scenario) -> impl Iterator<Item = &[u8]> {
    let upstream = match &scenario.tcp_upstream {
        TcpUpstream::Script(script) => Some(script),
        TcpUpstream::Echo | TcpUpstream::Refuse => None,
    };
    scenario.connections.iter().chain(upstream).flat_map(|script| &script.steps).filter_map(|step| match step
    {
        Step::Send(bytes) => Some(bytes.as_slice()),
        _ => None,
    })
}

fn cut_send(scenario: &mut Scenario, send: usize, cuts: &[usize]) {
    let upstream = match &mut scenario.tcp_upstream {
        TcpUpstream::Script(script) => Some(script),
        TcpUpstream::Echo | TcpUpstream::Refuse => None,
    };
    let mut count = 0;
    for script in scenario.connections.iter_mut().chain(upstream) {
        for at in 0..script.steps.len() {
            let Step::Send(bytes) = &script.steps[at] else { continue };
            if count == send {
                let cut: Vec<Step> = pieces(bytes, cuts).into_iter().map(Step::Send).collect();
                script.steps.splice(at..=at, cut);
                return;
            }
            count += 1;
        }
    }
}

fn first(headers: &mut Headers, name: &str) {
    headers.0.sort_by_key(|(n, _)| !n.eq_ignore_ascii_case(name.as_bytes()));
}

/// Describes a change in English.
pub(super) fn describe(change: &Change, scenario: &Scenario) -> String {
    let of = |index: &usize| {
        let name = answers(scenario).nth(*index).map_or("(no such answer)", |(name, _)| name);
        format!("answer {index} (of `{name}`)")
    };
    match change {
        Change::RequestCuts { request, cuts } => format!("request {request}: the body is split at {cuts:?}"),
        Change::ResponseCuts { answer, cuts } => format!("{}: the body is split at {cuts:?}", of(answer)),
        Change::SendCuts { send, cuts } => {
            let text = sends(scenario).nth(*send).unwrap_or_default().escape_ascii().to_string();
            format!("the bytes `{text}` on a TCP connection are split at {cuts:?}")
        }
        Change::RequestHeaderFirst { request, name } => {
            format!("request {request}: header `{name}` comes first")
        }
        Change::ResponseHeaderFirst { answer, name } => {
            format!("{}: header `{name}` comes first", of(answer))
        }
        Change::Latency { answer, after } => format!("{}: takes {after:?}", of(answer)),
        Change::Pause { request, before } => format!("request {request}: is sent {before:?} later"),
        Change::Worker { request, worker } => format!("request {request}: runs on worker {worker}"),
        Change::Overlap { request, events } => {
            format!("request {}: begins {events} events after request {request}", request + 1)
        }
        Change::HangUp { request, after } => {
            format!("request {request}: the client disconnects after {after} events and sends it again")
        }
        Change::UpstreamReset { request, after } => {
            format!(
                "request {request}: the upstream disconnects after {after} events and the client sends it again"
            )
        }
    }
}
