//! Requirements, with their names looked up.

use super::problem::{ConfigProblem, Place, known};
use super::provider::HeadersInUse;
use super::{BTreeMap, Required, check};
use crate::config::{ExtractOnly, Requirement, Requirements};

/// How deep requirements may be in one another. A client pays for each of them with every request.
const MAX_DEPTH: usize = 8;

/// What names stand for.
pub(super) struct Resolver<'p> {
    providers: &'p BTreeMap<String, usize>,
    headers: &'p mut HeadersInUse,
    named: BTreeMap<String, Required>,
}

impl<'p> Resolver<'p> {
    pub(super) fn new(providers: &'p BTreeMap<String, usize>, headers: &'p mut HeadersInUse) -> Self {
        Self { providers, headers, named: BTreeMap::new() }
    }

    /// Names requirements.
    pub(super) fn name(&mut self, named: BTreeMap<String, Requirement>) -> Result<(), ConfigProblem> {
        let place = Place::of("requirement_map");
        for (name, requirement) in named {
            check::named(&name, "the name of a requirement", &place)?;
            let required = self.resolve(requirement, &place.field(&name))?;
            self.named.insert(name, required);
        }
        Ok(())
    }

    /// A requirement of `requirement_map`.
    pub(super) fn named(&self, name: &str, place: &Place) -> Result<Required, ConfigProblem> {
        self.named.get(name).cloned().ok_or_else(|| {
            let known = known(self.named.keys());
            place.refuse(format_args!("no requirement is named `{name}` in `requirement_map`; {known}"))
        })
    }

    /// A requirement as it was written.
    pub(super) fn resolve(
        &mut self,
        requirement: Requirement,
        place: &Place,
    ) -> Result<Required, ConfigProblem> {
        self.resolve_within(requirement, place, MAX_DEPTH)
    }

    fn resolve_within(
        &mut self,
        requirement: Requirement,
        place: &Place,
        depth: usize,
    ) -> Result<Required, ConfigProblem> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(
                place.refuse(format_args!("requirements are more than {MAX_DEPTH} deep in one another"))
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
                    // Envoy would take it for the provider's own audiences, or for none.
                    let message = "no audience is given; `provider_name` alone asks for the provider's own";
                    return Err(place.field("audiences").refuse(message));
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
        place: &Place,
        depth: usize,
    ) -> Result<Vec<Required>, ConfigProblem> {
        let place = place.field("requirements");
        let count = list.requirements.len();
        if count < 2 {
            return Err(place.refuse(format_args!("{count} of them; at least 2 belong here")));
        }
        let list = list.requirements.into_iter().enumerate();
        list.map(|(index, requirement)| self.resolve_within(requirement, &place.at(index), depth)).collect()
    }

    fn provider(&self, name: &str, place: &Place) -> Result<usize, ConfigProblem> {
        self.providers.get(name).copied().ok_or_else(|| {
            let known = known(self.providers.keys());
            place.refuse(format_args!("no provider is named `{name}`; {known}"))
        })
    }

    fn extract_only(&mut self, extract: ExtractOnly, place: &Place) -> Result<Required, ConfigProblem> {
        if let Some(header) = extract.header() {
            let place = place.field("extract_only_without_validation").field("verification_status_header");
            self.headers.write(&header, &place)?;
        }
        Ok(Required::ExtractOnly(extract))
    }
}
