//! TCP connections.

use crate::{guests, meets, run, wrong};
use tollgate_host_test::on_both_hosts;

on_both_hosts! {
    fn a_connection_passes_network_filters(host) {
        let text = format!(
            "network_filters: [{{module: {}}}]
connections:
  - steps: [{{send: hello}}, {{receive: 5}}, {{wait: 20ms}}, {{send: {{base64: /w==}}}}, {{receive: 1}}, shut_down]
    expect: {{received: {{base64: aGVsbG//}}, end: closed, upstream_received: {{base64: aGVsbG//}}, upstream_end: closed,
      upstream_connections: 1, flags: '-'}}
expect: {{logs: [{{text: data, count: {{at_least: 2}}}}]}}",
            guests::tcp()
        );
        meets(host, &text);
        let (_, failures) = run(host, &text.replace("end: closed, upstream_received", "end: reset, upstream_received"));
        assert_eq!(failures, ["connections[0].expect.end: expected reset, saw closed"]);
    }

    fn an_upstream_follows_steps_or_refuses(host) {
        let text = format!(
            "network_filters: [{{module: {}}}]
tcp_upstream: {{steps: [{{receive: 2}}, {{send: bye}}, receive_end]}}
connections:
  - {{steps: [{{send: hi}}, {{receive: 3}}, shut_down], expect: {{received: bye, upstream_received: hi}}}}",
            guests::tcp()
        );
        meets(host, &text);
        let refused = format!(
            "network_filters: [{{module: {}}}]
tcp_upstream: refuse
connections: [{{expect: {{received: '', upstream_connections: 0, flags: {{contains: UF}}}}}}]",
            guests::tcp()
        );
        meets(host, &refused);
    }
}

#[test]
fn errors_name_the_field() {
    wrong(
        "connections: [{steps: [{send: a}, {recieve: 1}]}]",
        "`connections[0].steps[1]`: unknown variant `recieve`, expected one of `send`, `receive`, \
         `receive_end`, `shut_down`, `reset`, `wait`",
    );
    wrong(
        "network_filters: [{native: {name: a, typed_config: {}}}]",
        "`network_filters[0]`: expected exactly one of `module`, `package`",
    );
}
