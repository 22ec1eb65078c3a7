//! The shell.

use tollgate::{ConfigError, Context, HttpFilter};
use tollgate_jwt_authn_policy::{Config, Policy, plan::Plan};

struct JwtAuthn {
    #[allow(dead_code, reason = "skeleton")]
    policy: Policy,
}

#[tollgate::filter]
impl HttpFilter for JwtAuthn {
    type Config = Config;
    type Stream = ();

    fn new(config: Config, _: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        let plan = Plan::new(config, |name| std::env::var(name).ok())
            .map_err(|problem| ConfigError::new(problem.path, problem.message))?;
        Ok(Self { policy: Policy::new(plan, [0; 16]) })
    }
}
