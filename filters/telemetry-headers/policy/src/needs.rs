//! The facts that a policy needs, so that the shell makes no other host calls.

use crate::apply::is_of_request;
use crate::config::{Config, Edit, RequestEdit, ResponseEdit, UuidFormat};
use tollgate_policy::{Source, Variable};

/// The facts that [`crate::Policy::on_request`] and [`crate::Policy::on_response`] need. Other facts may have
/// their default value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// All request headers, with pseudo-headers and repeated headers.
    pub request_headers: bool,
    /// All response headers, with `:status`.
    pub response_headers: bool,
    /// The time at which the request arrived.
    pub request_time: bool,
    /// The time at which the response arrived.
    pub response_time: bool,
    /// Random bytes for each request.
    pub draws: bool,
}

impl Needs {
    pub(crate) fn new(config: &Config) -> Self {
        let edits = || config.request_headers.iter().map(RequestEdit::edit);
        let response_edits = || config.response_headers.iter().map(ResponseEdit::edit);
        let conditional = |edit: &Edit| matches!(edit, Edit::SetIfAbsent(_));
        let of_response = |source: &Source| {
            matches!(source, Source::ResponseHeader(..) | Source::Variable(Variable::ResponseCode))
        };
        let is_duration = |source: &Source| *source == Source::Variable(Variable::Duration);

        let ids = config.request_id.is_some() || config.trace_context.is_some();
        let captures = response_edits().flat_map(Edit::sources).any(is_of_request);
        let timed =
            config.server_timing.is_some() || response_edits().flat_map(Edit::sources).any(is_duration);
        let v7 = config.request_id.as_ref().is_some_and(|id| id.format == UuidFormat::UuidV7);
        Self {
            request_headers: ids
                || captures
                || edits().any(conditional)
                || edits().flat_map(Edit::sources).any(is_of_request),
            response_headers: response_edits().any(conditional)
                || response_edits().flat_map(Edit::sources).any(of_response),
            request_time: timed || v7,
            response_time: timed,
            draws: ids,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(json: &str) -> Needs {
        Needs::new(&tollgate_policy::config::parse(json).unwrap())
    }

    #[test]
    fn an_empty_configuration_needs_nothing() {
        assert_eq!(needs("{}"), Needs::default());
    }

    #[test]
    fn a_constant_needs_no_facts() {
        let request =
            needs(r#"{"request_headers": [{"set": {"name": "a", "value": "b"}}, {"remove": "c"}]}"#);
        assert_eq!(request, Needs::default());
        let response = needs(r#"{"response_headers": [{"add": {"name": "a", "value": "b"}}]}"#);
        assert_eq!(response, Needs::default());
    }

    #[test]
    fn reads_request_values_for_response_edits_in_time() {
        let needs = needs(r#"{"response_headers": [{"set": {"name": "a", "value": "%REQ(b)%"}}]}"#);
        assert_eq!(needs, Needs { request_headers: true, ..Needs::default() });
    }

    #[test]
    fn set_if_absent_needs_the_headers() {
        let edit = r#"[{"set_if_absent": {"name": "a", "value": "b"}}]"#;
        assert!(needs(&format!(r#"{{"request_headers": {edit}}}"#)).request_headers);
        assert!(needs(&format!(r#"{{"response_headers": {edit}}}"#)).response_headers);
    }

    #[test]
    fn reads_times_only_if_they_are_shown() {
        assert!(!needs(r#"{"request_id": {}}"#).request_time);
        assert!(needs(r#"{"request_id": {"format": "uuid_v7"}}"#).request_time);
        let both = Needs { request_time: true, response_time: true, ..Needs::default() };
        assert_eq!(needs(r#"{"server_timing": {}}"#), both);
        assert_eq!(needs(r#"{"response_headers": [{"set": {"name": "a", "value": "%DURATION%"}}]}"#), both);
    }

    #[test]
    fn ids_need_the_request_headers_and_random_bytes() {
        for section in ["request_id", "trace_context"] {
            let needs = needs(&format!(r#"{{"{section}": {{}}}}"#));
            assert_eq!(needs, Needs { request_headers: true, draws: true, ..Needs::default() });
        }
    }
}
