//! Asks an authorization service about each token, and remembers its answers.
use std::collections::HashMap;
use tollgate::{
    AsyncRequest, Config, ConfigError, Context, Duration, Flow, HttpCall, HttpFilter, Reply, Result, State,
    UnixNanos, clock,
};

/// The configuration.
#[derive(Config)]
pub struct Settings {
    /// Cluster of the service. It responds to `GET /check` with 200 and the name of the user.
    cluster: String,
    /// Time for which an answer is used again.
    #[config(default = Duration::from_secs(60))]
    remember: Duration,
    /// Maximum number of answers in memory.
    #[config(default = 1000)]
    max_answers: usize,
}

/// The filter.
pub struct Authorize {
    settings: Settings,
    /// Answers by token.
    answers: State<HashMap<Vec<u8>, Answer>>,
}

/// An answer of the service.
struct Answer {
    user: Vec<u8>,
    until: UnixNanos,
}

#[tollgate::filter(http_callouts)]
impl HttpFilter for Authorize {
    type Config = Settings;

    fn new(settings: Settings, _: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        Ok(Self { settings, answers: State::default() })
    }

    async fn on_request_headers(&self, request: &mut AsyncRequest<Self>) -> Result {
        let token = request.headers.first("authorization")?.ok_or(Reply::refuse(401, "no_token"))?;
        let now = clock::now()?;
        let known = self.answers.enter(|answers| {
            answers.get(&token).filter(|answer| answer.until > now).map(|answer| answer.user.clone())
        })?;
        let user = match known {
            Some(user) => user,
            None => self.ask(request, token, now).await?,
        };
        request.headers.set("x-user", user)?;
        Ok(Flow::Continue)
    }
}

impl Authorize {
    async fn ask(&self, request: &AsyncRequest<Self>, token: Vec<u8>, now: UnixNanos) -> Result<Vec<u8>> {
        let call =
            HttpCall::new(&self.settings.cluster, "GET", "authz", "/check").header("authorization", &token);
        let answer = request.http_call(&call).await.map_err(|_| Reply::refuse(503, "authz_unavailable"))?;
        if answer.status != 200 {
            return Err(Reply::refuse(403, "denied").into());
        }
        let user = answer.body.clone();
        self.answers.enter(|answers| {
            // Clients choose the tokens, so the number of answers must be bounded.
            if answers.len() >= self.settings.max_answers {
                answers.clear();
            }
            answers.insert(token, Answer { user: answer.body, until: now + self.settings.remember.into() });
        })?;
        Ok(user)
    }
}
