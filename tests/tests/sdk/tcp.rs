//! Filters of TCP connections.

use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{
    Answer, Connection, End, Filter, Outcome, Response, Scenario, Script, TcpUpstream, Upstream, Wasm,
    on_both_hosts,
};

/// A proxy of which the filter does `connect` with new connections. The upstream echoes.
fn tcp(connect: &str) -> Scenario {
    Scenario::new()
        .network_filter(Filter::new(Wasm::package("fixture-tcp")).config(json!({"connect": connect})))
}

fn asking(status: u16, scenario: Scenario) -> Scenario {
    let answer = Answer::Reply { response: Response::new(status), after: Duration::from_millis(2) };
    scenario.upstream(Upstream::answers("auth", vec![answer; 4]))
}

/// The client sends `data`, receives `size` bytes and disconnects.
fn talks(data: &str, size: usize) -> Connection {
    Connection::new().send(data).receive(size).shut_down()
}

/// The connection was closed before the upstream received anything.
#[track_caller]
fn closed_early(outcome: &Outcome) {
    assert!(outcome.connections[0].upstream.iter().all(|upstream| upstream.bytes.is_empty()), "{outcome:?}");
    assert!(outcome.connections[0].client.bytes.is_empty(), "{outcome:?}");
    assert_ne!(outcome.connections[0].client.end, End::Hang, "{outcome:?}");
    outcome.has_metric("tcp.ended", 1);
}

on_both_hosts! {
    fn passes_what_it_does_not_know(host) {
        let outcome = host.run(&tcp("").connection(talks("hello", 5)));
        outcome.connection(0).client("hello", End::Closed).upstream("hello", End::Closed);
        outcome.has_metric("tcp.ended", 1);
    }

    fn tells_who_closed_which_connection(host) {
        let outcome = host.run(&tcp("").connection(talks("hello", 5)));
        outcome.has_metric("tcp.closed.downstream_by_proxy", 1).has_metric("tcp.closed.upstream_by_unknown", 1);
        let outcome = host.run(&tcp("").connection(Connection::new().send("hello").receive(5).reset()));
        outcome.has_metric("tcp.closed.downstream_by_peer", 1);
    }

    fn closes_a_new_connection(host) {
        closed_early(&host.run(&tcp("close").connection(Connection::new())));
    }

    fn an_error_closes_the_connection(host) {
        closed_early(&host.run(&tcp("fail").connection(Connection::new())));
        closed_early(&host.run(&tcp("").connection(Connection::new().send("fail"))));
    }

    fn a_pause_without_a_task_closes_the_connection(host) {
        closed_early(&host.run(&tcp("forget").connection(Connection::new())));
    }

    fn a_new_connection_waits_for_a_callout(host) {
        let outcome = host.run(&asking(200, tcp("ask")).connection(talks("hello", 5)));
        outcome.connection(0).client("hello", End::Closed).upstream("hello", End::Closed);
        closed_early(&host.run(&asking(403, tcp("ask")).connection(Connection::new())));
    }

    fn data_of_the_client_waits(host) {
        for (word, size) in [("ask me", 6), ("later", 5)] {
            let outcome = host.run(&asking(200, tcp("")).connection(talks(word, size)));
            outcome.connection(0).client(word, End::Closed).upstream(word, End::Closed);
        }
        closed_early(&host.run(&asking(403, tcp("")).connection(Connection::new().send("ask me"))));
        closed_early(&host.run(&tcp("").connection(Connection::new().send("wait"))));
    }

    fn changes_data_of_the_client(host) {
        let outcome = host.run(&tcp("").connection(talks("upper case", 10)));
        outcome.connection(0).client("UPPER CASE", End::Closed).upstream("UPPER CASE", End::Closed);
        let outcome = host.run(&tcp("").connection(talks("count", 7)));
        outcome.connection(0).client("count 5", End::Closed);
    }

    fn reads_the_whole_data_of_a_client(host) {
        let whole = |data: &str| tcp("").connection(Connection::new().send(data).shut_down());
        host.run(&whole("whole part")).connection(0).client("[whole part]", End::Closed);
        let outcome = host.run(&whole("whole and more than sixteen"));
        assert!(outcome.connections[0].client.bytes.is_empty(), "{outcome:?}");
    }

    fn changes_data_of_the_upstream(host) {
        let upstream = TcpUpstream::Script(Script::new().send("bracket"));
        let scenario = tcp("").tcp_upstream(upstream).connection(Connection::new().receive(9).shut_down());
        host.run(&scenario).connection(0).client("<bracket>", End::Closed);
    }

    fn data_of_the_upstream_that_must_not_leave_is_dropped(host) {
        let upstream = TcpUpstream::Script(Script::new().send("secret"));
        let outcome = host.run(&tcp("").tcp_upstream(upstream).connection(Connection::new()));
        assert!(outcome.connections[0].client.bytes.is_empty(), "{outcome:?}");
        assert_ne!(outcome.connections[0].client.end, End::Hang, "{outcome:?}");
    }

    fn data_of_the_upstream_waits_for_more(host) {
        let upstream = Script::new().send("held").wait(Duration::from_millis(300)).send(" back.");
        let connection = Connection::new().receive(10).shut_down();
        let outcome = host.run(&tcp("").tcp_upstream(TcpUpstream::Script(upstream)).connection(connection));
        outcome.connection(0).client("held back.", End::Closed);
    }

    fn a_task_cannot_resume_data_of_the_upstream(host) {
        let upstream = TcpUpstream::Script(Script::new().send("resumed"));
        let outcome = host.run(&tcp("").tcp_upstream(upstream).connection(Connection::new()));
        assert!(outcome.connections[0].client.bytes.is_empty(), "{outcome:?}");
        assert_ne!(outcome.connections[0].client.end, End::Hang, "{outcome:?}");
    }
}
