//! Making the changes: a scenario is data, so most of them are made to it before it is played.

use super::change::{Change, Kind};
use crate::{Answer, Headers, Response, Scenario, Step, TcpUpstream, Upstream};

/// The scenario with what it leaves to default spelt out, and more than one worker, so that requests can land on
/// another one.
pub(super) fn whole(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    if scenario.upstreams.is_empty() {
        scenario.upstreams.push(Upstream::replies("upstream", Response::new(200).chunk("ok")));
    }
    scenario.settings.workers = scenario.settings.workers.max(2);
    scenario
}

/// The kinds of changes that make sense for a scenario, and the others with the reason why not.
pub(super) fn possible(scenario: &Scenario, wanted: &[Kind]) -> (Vec<Kind>, Vec<(Kind, &'static str)>) {
    let in_turn = scenario
        .upstreams
        .iter()
        .any(|u| u.answers.len() > 1 || u.by_path.iter().any(|(_, answers)| answers.len() > 1));
    let why_not = |kind: &Kind| match kind {
        Kind::Overlaps | Kind::HangUps | Kind::UpstreamResets if in_turn => {
            Some("an upstream answers in turn, so that who comes when decides on the answer")
        }
        Kind::Overlaps if scenario.requests.len() < 2 => Some("there is one request"),
        _ => None,
    };
    let left_out = wanted.iter().filter_map(|kind| Some((*kind, why_not(kind)?))).collect();
    (wanted.iter().copied().filter(|kind| why_not(kind).is_none()).collect(), left_out)
}

/// All answers, upstream by upstream.
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

/// The response of an answer that has one.
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

/// The changes that are made to the scenario; the others are made while it is played. What names something that is not
/// there changes nothing.
pub(super) fn apply(scenario: &Scenario, changes: &[Change]) -> Scenario {
    let mut scenario = scenario.clone();
    for change in changes {
        match change {
            Change::RequestCuts { request, cuts } => {
                if let Some(request) = scenario.requests.get_mut(*request) {
                    let chunked = request.body.len() > 1 || !request.trailers.0.is_empty();
                    cut(&mut request.body, &mut request.headers, chunked, cuts);
                }
            }
            Change::ResponseCuts { answer, cuts } => {
                if let Some(response) = response_mut(&mut scenario, *answer) {
                    let chunked = response.body.len() > 1 || !response.trailers.0.is_empty();
                    cut(&mut response.body, &mut response.headers, chunked, cuts);
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

/// Cuts a body, and keeps its framing: whether there is a content-length is visible to everybody.
fn cut(body: &mut Vec<Vec<u8>>, headers: &mut Headers, chunked: bool, cuts: &[usize]) {
    let whole = body.concat();
    if whole.is_empty() {
        return;
    }
    let mut pieces = pieces(&whole, cuts);
    if chunked {
        // One piece alone would be sent with its length; one without bytes is not sent.
        pieces.push(Vec::new());
    } else if headers.get("content-length").is_none() {
        headers.push("content-length", whole.len().to_string());
    }
    *body = pieces;
}

/// At least one piece; what is no place between two bytes is no cut.
fn pieces(whole: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut rest = whole;
    for place in cuts {
        let gone = whole.len() - rest.len();
        let Some((piece, behind)) = rest.split_at_checked(place.saturating_sub(gone)) else { continue };
        if !piece.is_empty() && !behind.is_empty() {
            pieces.push(piece.to_vec());
            rest = behind;
        }
    }
    pieces.push(rest.to_vec());
    pieces
}

/// What is sent over TCP, in order: by the clients, and by the upstream.
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

/// A change in words.
pub(super) fn describe(change: &Change, scenario: &Scenario) -> String {
    let of = |index: &usize| {
        let name = answers(scenario).nth(*index).map_or("nobody", |(name, _)| name);
        format!("answer {index}, of `{name}`")
    };
    match change {
        Change::RequestCuts { request, cuts } => format!("request {request}: its body is cut at {cuts:?}"),
        Change::ResponseCuts { answer, cuts } => format!("{}: its body is cut at {cuts:?}", of(answer)),
        Change::SendCuts { send, cuts } => {
            let text = sends(scenario).nth(*send).unwrap_or_default().escape_ascii().to_string();
            format!("what is sent over TCP as `{text}` is cut at {cuts:?}")
        }
        Change::RequestHeaderFirst { request, name } => {
            format!("request {request}: `{name}` comes first of its header fields")
        }
        Change::ResponseHeaderFirst { answer, name } => {
            format!("{}: `{name}` comes first of its header fields", of(answer))
        }
        Change::Latency { answer, after } => format!("{}: takes {after:?}", of(answer)),
        Change::Pause { request, before } => format!("request {request}: comes {before:?} later"),
        Change::Worker { request, worker } => format!("request {request}: lands on worker {worker}"),
        Change::Overlap { request, events } => {
            format!("request {}: begins {events} events after request {request} has", request + 1)
        }
        Change::HangUp { request, after } => {
            format!("request {request}: the client hangs up after {after} events, and sends it again")
        }
        Change::UpstreamReset { request, after } => {
            format!(
                "request {request}: the upstream resets after {after} events, and the client sends it again"
            )
        }
    }
}
