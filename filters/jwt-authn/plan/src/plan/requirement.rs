//! Requirements, with all names resolved.

use super::provider::HeadersInUse;
use super::{Required, check};
use crate::config::{ExtractOnly, Requirement, Requirements};
use tollgate_policy::{ConfigError, FieldPath, Named, Places};

/// Maximum nesting of requirements. Each level costs time in every request.
const MAX_DEPTH: usize = 8;

/// Resolves the names of providers and requirements.
pub(super) struct Resolver<'p> {
    providers: &'p Places,
    headers: &'p mut HeadersInUse,
    names: Places,
    named: Vec<Required>,
}

impl<'p> Resolver<'p> {
    pub(super) fn new(providers: &'p Places, headers: &'p mut HeadersInUse) -> Self {
        Self { providers, headers, names: Places::default(), named: Vec::new() }
    }

    /// Adds named requirements.
    pub(super) fn name(&mut self, named: Named<Requirement>) -> Result<(), ConfigError> {
        let place = FieldPath::new("requirement_map");
        for (name, requirement) in named {
            place.named(&name, "the name of a requirement")?;
            let required = self.resolve(requirement, &place.field(&name))?;
            self.names.add(name.as_bytes(), self.named.len());
            self.named.push(required);
        }
        Ok(())
    }

    /// Returns a requirement of `requirement_map`.
    pub(super) fn named(&self, name: &str, place: &FieldPath) -> Result<Required, ConfigError> {
        match self.names.first(name.as_bytes()).and_then(|index| self.named.get(index)) {
            Some(required) => Ok(required.clone()),
            None => {
                let known = self.names.known();
                let message = format_args!("unknown requirement `{name}`, {known}");
                Err(place.error(message))
            }
        }
    }

    /// Resolves a requirement.
    pub(super) fn resolve(
        &mut self,
        requirement: Requirement,
        place: &FieldPath,
    ) -> Result<Required, ConfigError> {
        self.resolve_within(requirement, place, MAX_DEPTH)
    }

    fn resolve_within(
        &mut self,
        requirement: Requirement,
        place: &FieldPath,
        depth: usize,
    ) -> Result<Required, ConfigError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(
                place.error(format_args!("requirements must not be nested more than {MAX_DEPTH} deep"))
            );
        };
        Ok(match requirement {
            Requirement::ProviderName(name) => {
                Required::Provider(self.provider(&name, &place.field("provider_name"))?, None)
            }
            Requirement::ProviderAndAudiences(with) => {
                let place = place.field("provider_and_audiences");
                let provider = self.provider(&with.provider_name, &place.field("provider_name"))?;
                check::not_empty(&with.audiences, &place.field("audiences"))?;
                if with.audiences.is_empty() {
                    // Envoy would use the provider's own audiences, or none.
                    let message = "must not be empty; use `provider_name` for the provider's own audiences";
                    return Err(place.field("audiences").error(message));
                }
                Required::Provider(provider, Some(with.audiences))
            }
            Requirement::RequiresAny(list) => {
                Required::Any(self.list(list, &place.field("requires_any"), depth)?)
            }
            Requirement::RequiresAll(list) => {
                Required::All(self.list(list, &place.field("requires_all"), depth)?)
            }
            Requirement::AllowMissing(_) => Required::AllowMissing,
            Requirement::AllowMissingOrFailed(_) => Required::AllowMissingOrFailed,
            Requirement::ExtractOnlyWithoutValidation(extract) => self.extract_only(extract, place)?,
        })
    }

    fn list(
        &mut self,
        list: Requirements,
        place: &FieldPath,
        depth: usize,
    ) -> Result<Vec<Required>, ConfigError> {
        let place = place.field("requirements");
        let count = list.requirements.len();
        if count < 2 {
            return Err(place.error(format_args!("`{count}` requirements, expected at least 2")));
        }
        let mut resolved = Vec::new();
        for (index, requirement) in list.requirements.into_iter().enumerate() {
            resolved.push(self.resolve_within(requirement, &place.at(index), depth)?);
        }
        Ok(resolved)
    }

    fn provider(&self, name: &str, place: &FieldPath) -> Result<usize, ConfigError> {
        self.providers.first(name.as_bytes()).ok_or_else(|| {
            let known = self.providers.known();
            place.error(format_args!("unknown provider `{name}`, {known}"))
        })
    }

    fn extract_only(&mut self, extract: ExtractOnly, place: &FieldPath) -> Result<Required, ConfigError> {
        if let Some(header) = extract.header() {
            let place = place.field("extract_only_without_validation").field("verification_status_header");
            self.headers.write(&header, &place)?;
        }
        Ok(Required::ExtractOnly(extract))
    }
}
