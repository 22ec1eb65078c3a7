//! Values of configurations from the VM's environment.

use tollgate::{Config, ConfigError, config};
use tollgate_policy::environment;

/// A configuration in which `%ENVIRONMENT(NAME)%` stands for a variable of the VM's environment, as in
/// Envoy's formatter. See [`environment::expand`].
pub struct WithEnvironment<T>(pub T);

impl<T: Config> Config for WithEnvironment<T> {
    fn blank() -> Self {
        Self(T::blank())
    }

    fn fill(&mut self, value: &config::Value) -> Result<(), ConfigError> {
        if !environment::is_used(value) {
            return self.0.fill(value);
        }
        let mut value = value.clone();
        environment::expand(&mut value, &|name| std::env::var(name).ok())?;
        self.0.fill(&value)
    }
}
