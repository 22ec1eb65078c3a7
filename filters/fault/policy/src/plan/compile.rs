//! Compiles the rules of all formats.

use super::parts::{MAX_NAME, check_name, check_order, condition, draw_plan, is_of_name, reply, status};
use super::rules::Experiment;
use super::{MAX_STATISTICS, OTHER, RuleSet};
use crate::config::{Combine, ExperimentConfig, ResponseConfig, RuleConfig, fixed_delay};
use crate::draw::percent;
use crate::envoy::HttpFault;
use crate::istio::IstioRoute;
use crate::rule::{Abort, Condition, Delay, Rate, ReplyPlan, ResponseFault, Rule, Share, Status};
use tollgate_policy::{ConfigError, FieldPath, PathNormalization, Percent, StringMatcher};

/// Compiles rules, and gives them their statistics.
pub(crate) struct Compiler {
    statistics: Vec<String>,
    /// Whether the names of rules are new statistics.
    adds_statistics: bool,
    normalization: PathNormalization,
}

type Result<T> = std::result::Result<T, ConfigError>;

impl Compiler {
    /// Compiles the rules of a configuration.
    pub fn new(normalization: PathNormalization) -> Self {
        Self { statistics: Vec::new(), adds_statistics: true, normalization }
    }

    /// Compiles the rules of a document. Their events are counted under one name.
    pub fn without_statistics(normalization: PathNormalization) -> Self {
        Self { adds_statistics: false, ..Self::new(normalization) }
    }

    /// Returns the names of the statistics.
    pub fn into_statistics(mut self) -> Vec<String> {
        self.statistics.push(OTHER.into());
        self.statistics
    }

    fn statistic(&mut self, name: &str) -> usize {
        let found = self.statistics.iter().position(|other| other == name);
        if self.adds_statistics && found.is_none() && self.statistics.len() < MAX_STATISTICS && name != OTHER
        {
            self.statistics.push(name.into());
            return self.statistics.len() - 1;
        }
        found.unwrap_or(usize::MAX)
    }

    /// Compiles a list of rules, of an experiment if it has a name.
    pub fn rules(&mut self, rules: &[RuleConfig], of: Option<&str>, place: &FieldPath) -> Result<Vec<Rule>> {
        let mut compiled: Vec<Rule> = Vec::new();
        for (index, config) in rules.iter().enumerate() {
            let place = place.at(index);
            check_name(&config.name, &place)?;
            if rules.iter().take(index).any(|other| other.name == config.name) {
                return Err(place.field("name").error(format_args!("duplicate name `{}`", config.name)));
            }
            check_order(&compiled).map_err(|error| within(error, &place))?;
            let name = of.map_or_else(|| config.name.clone(), |of| [of, "-", &config.name].concat());
            compiled.push(self.rule(config, name).map_err(|error| within(error, &place))?);
        }
        Ok(compiled)
    }

    /// Compiles an experiment.
    pub fn experiment(&mut self, config: &ExperimentConfig, place: &FieldPath) -> Result<Experiment> {
        check_name(&config.name, place)?;
        if let (Some(from), Some(until)) = (config.from, config.until)
            && from >= until
        {
            return Err(place.error("expected `from` before `until`"));
        }
        let rules = self.rules(&config.faults, Some(&config.name), &place.field("faults"))?;
        Ok(Experiment {
            name: config.name.as_str().into(),
            from: config.from.map(|time| time.0),
            until: config.until.map(|time| time.0),
            rules: RuleSet::new(rules),
        })
    }

    fn rule(&mut self, config: &RuleConfig, name: String) -> Result<Rule> {
        config.condition.check(&self.normalization).map_err(|error| error.in_member("match"))?;
        let mut rule = Rule {
            statistic: self.statistic(&name),
            condition: condition(config),
            draw: draw_plan(&config.draw, &name).map_err(|error| error.in_member("draw"))?,
            name: name.into(),
            ..Rule::default()
        };
        if let Some(delay) = &config.delay {
            let length = delay.distribution().map_err(|error| error.in_member("delay"))?;
            rule.delay = Some(Delay { share: Share::new(delay.percentage), length });
        }
        if let Some(abort) = &config.abort {
            let in_abort = |error: ConfigError| error.in_member("abort");
            let status = status(&abort.reply).map_err(in_abort)?;
            if status.is_some() == abort.header.is_some() {
                let message = "expected exactly one of `http_status`, `grpc_status`, `header`";
                return Err(ConfigError::new("abort", &message));
            }
            let reply = reply(&abort.reply).map_err(in_abort)?;
            rule.abort = Some(Abort { share: Share::new(abort.percentage), status, reply });
        }
        rule.reset = config.reset.as_ref().map(|reset| Share::new(reset.percentage));
        if let Some(fault) = &config.response {
            rule.response = Some(self.response(fault).map_err(|error| error.in_member("response"))?);
        }
        finish(rule)
    }

    fn response(&self, config: &ResponseConfig) -> Result<ResponseFault> {
        let delay = match &config.delay {
            Some(time) => {
                let found = time.distribution().map_err(|error| error.in_member("delay"))?;
                Some(found.ok_or_else(|| ConfigError::new("delay", &"expected a distribution"))?)
            }
            None => None,
        };
        let replace = match &config.replace {
            Some(config) => {
                let in_replace = |error: ConfigError| error.in_member("replace");
                let message = "expected exactly one of `http_status`, `grpc_status`";
                let status = status(config).map_err(in_replace)?;
                let status = status.ok_or_else(|| ConfigError::new("replace", &message))?;
                Some((status, reply(config).map_err(in_replace)?))
            }
            None => None,
        };
        let rate = match (config.bytes_per_second, config.rate_from_header) {
            (Some(_), Some(_)) => {
                let message = "not supported with `bytes_per_second`";
                return Err(ConfigError::new("rate_from_header", &message));
            }
            (Some(0), None) => {
                return Err(ConfigError::new("bytes_per_second", &"`0` is too small, expected at least `1`"));
            }
            (Some(rate), None) => Some(Rate::Fixed(rate)),
            (None, header) => header.map(|_| Rate::Header),
        };
        if config.truncate_after.is_some() && config.reset_after.is_some() {
            return Err(ConfigError::new("reset_after", &"not supported with `truncate_after`"));
        }
        let mut set = Vec::new();
        for header in &config.set_headers {
            set.push((header.name.name().clone(), header.value.as_bytes().into()));
        }
        let fault = ResponseFault {
            share: Share::new(config.percentage),
            delay,
            replace,
            set,
            remove: config.remove_headers.iter().map(|name| name.name().clone()).collect(),
            truncate_after: config.truncate_after,
            reset_after: config.reset_after,
            corrupt: config.corrupt.unwrap_or(Percent::ZERO),
            rate,
        };
        let edits =
            !fault.set.is_empty() || !fault.remove.is_empty() || fault.changes_body() || rate.is_some();
        if fault.replace.is_some() && edits {
            return Err(ConfigError::new("replace", &"not supported with changes of the response"));
        }
        if fault.replace.is_none() && fault.delay.is_none() && !edits {
            return Err(ConfigError::here(&"no change, expected a field besides `percentage`"));
        }
        Ok(fault)
    }

    /// Compiles the rules of a route of Istio, one for each of its conditions.
    pub fn istio(&mut self, route: &IstioRoute) -> Result<Vec<Rule>> {
        let name = route.name.as_deref().filter(|name| !name.is_empty()).unwrap_or("istio");
        // The name of a route is any text, that of a statistic is not.
        let name: String = name.chars().take(MAX_NAME).map(|c| if is_of_name(c) { c } else { '_' }).collect();
        let in_fault = |error: ConfigError, field| error.in_member(field).in_member("fault");
        let mut rule = Rule { statistic: self.statistic(&name), name: name.into(), ..Rule::default() };
        if let Some(delay) = &route.fault.delay {
            let (length, share) = delay.compile().map_err(|error| in_fault(error, "delay"))?;
            rule.delay = Some(Delay { share: Share::new(percent(share)), length: Some(length) });
        }
        if let Some(abort) = &route.fault.abort {
            let share = abort.percentage.map_or(Ok(0), |percentage| percentage.per_million());
            let share = Share::new(percent(share.map_err(|error| in_fault(error, "abort"))?));
            let status = match (abort.http_status, abort.grpc_status, &abort.http2_error) {
                (Some(status), None, None) => Some(Status::Http(status)),
                (None, Some(status), None) => Some(Status::Grpc(status.code())),
                (None, None, Some(_)) => None,
                _ => {
                    let message = "expected exactly one of `httpStatus`, `grpcStatus`, `http2Error`";
                    return Err(in_fault(ConfigError::here(&message), "abort"));
                }
            };
            match status {
                Some(_) => {
                    rule.abort = Some(Abort { share, status, reply: ReplyPlan::new(None, Vec::new()) })
                }
                None => rule.reset = Some(share),
            }
        }
        let rule = finish(rule).map_err(|error| error.in_member("fault"))?;
        let mut rules = Vec::new();
        for (index, config) in route.conditions.iter().enumerate() {
            let compiled = config.compile().and_then(|(request, headers)| {
                let check = request.check(&self.normalization);
                check.map_err(|error| ConfigError::new("uri", &error.message()))?;
                Ok((request, headers))
            });
            let (request, headers) = compiled.map_err(|error| error.in_list("match", index))?;
            let namespaces = config.source_namespace.iter().map(|name| name.as_str().into()).collect();
            let condition = Condition { request, headers, namespaces, ..Condition::default() };
            rules.push(Rule { condition, ..rule.clone() });
        }
        if rules.is_empty() {
            rules.push(rule);
        }
        Ok(rules)
    }

    /// Compiles the configuration of Envoy's filter.
    pub fn envoy(&mut self, config: &HttpFault) -> Result<Rule> {
        const TYPE: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
        if let Some(kind) = config.kind.as_ref().filter(|kind| *kind != TYPE) {
            let message = format_args!("unsupported type `{}`, expected `{TYPE}`", kind.escape_debug());
            return Err(ConfigError::new("@type", &message));
        }
        let clusters = [config.upstream_cluster.as_str()];
        let mut rule = Rule {
            name: "envoy".into(),
            statistic: self.statistic("envoy"),
            condition: Condition {
                headers: config.headers.clone(),
                clusters: clusters
                    .iter()
                    .filter(|name| !name.is_empty())
                    .map(|name| StringMatcher::from_exact(name))
                    .collect(),
                nodes: config.downstream_nodes.iter().map(|node| StringMatcher::from_exact(node)).collect(),
                ..Condition::default()
            },
            metadata: config.filter_metadata.as_ref().map(|metadata| metadata.0.as_str().into()),
            ..Rule::default()
        };
        if let Some(delay) = &config.delay {
            let length = match (delay.fixed_delay, delay.header_delay) {
                (Some(fixed), None) => Some(
                    fixed_delay(fixed).map_err(|error| error.in_member("fixed_delay").in_member("delay"))?,
                ),
                (None, Some(_)) => None,
                _ => {
                    return Err(ConfigError::new(
                        "delay",
                        &"expected exactly one of `fixed_delay`, `header_delay`",
                    ));
                }
            };
            let (percent, unit) = delay.percentage.parts();
            rule.delay = Some(Delay { share: Share { percent, unit, after: 0 }, length });
        }
        if let Some(abort) = &config.abort {
            let status = match (abort.http_status, abort.grpc_status, abort.header_abort) {
                (Some(status), None, None) => Some(Status::Http(status)),
                (None, Some(status), None) => Some(Status::Grpc(status.code())),
                (None, None, Some(_)) => None,
                _ => {
                    let message = "expected exactly one of `http_status`, `grpc_status`, `header_abort`";
                    return Err(ConfigError::new("abort", &message));
                }
            };
            let (percent, unit) = abort.percentage.parts();
            let share = Share { percent, unit, after: 0 };
            rule.abort = Some(Abort { share, status, reply: ReplyPlan::new(None, Vec::new()) });
        }
        if let Some(limit) = &config.response_rate_limit {
            let rate = match (limit.fixed_limit, limit.header_limit) {
                (Some(fixed), None) => Rate::Fixed(u64::from(fixed.limit_kbps) * 1024),
                (None, Some(_)) => Rate::Header,
                _ => {
                    let message = "expected exactly one of `fixed_limit`, `header_limit`";
                    return Err(ConfigError::new("response_rate_limit", &message));
                }
            };
            let (percent, unit) = limit.percentage.parts();
            rule.response = Some(ResponseFault {
                share: Share { percent, unit, after: 0 },
                delay: None,
                replace: None,
                set: Vec::new(),
                remove: Vec::new(),
                truncate_after: None,
                reset_after: None,
                corrupt: Percent::ZERO,
                rate: Some(rate),
            });
        }
        finish(rule)
    }
}

/// Checks that a rule has a fault, and gives the faults of one draw their ranges.
fn finish(mut rule: Rule) -> Result<Rule> {
    let shares = [
        rule.delay.as_mut().map(|delay| &mut delay.share),
        rule.abort.as_mut().map(|abort| &mut abort.share),
        rule.reset.as_mut(),
        rule.response.as_mut().map(|response| &mut response.share),
    ];
    let (mut sum, mut count) = (0, 0);
    for share in shares.into_iter().flatten() {
        count += 1;
        if rule.draw.faults == Combine::Exclusive {
            share.after = sum;
        }
        sum += share.percent.per_million();
    }
    if count == 0 {
        return Err(ConfigError::here(&"no fault, expected at least one"));
    }
    if rule.draw.faults == Combine::Exclusive && sum > 1_000_000 {
        let sum = f64::from(sum) / 10_000.0;
        let message = format_args!("the sum of the percentages is `{sum}`, expected at most 100");
        return Err(ConfigError::new("draw.faults", &message));
    }
    Ok(rule)
}

fn within(error: ConfigError, place: &FieldPath) -> ConfigError {
    if error.path().is_empty() {
        place.error(error.message())
    } else {
        place.field(error.path()).error(error.message())
    }
}
