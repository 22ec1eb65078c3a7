//! Parts of a key that are what the request has.

use tollgate_policy::read_object;

/// `{}`.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Empty {}

/// What a request may not have.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Simple {
    /// What it is called in the key. Default: the name of the action.
    pub descriptor_key: Option<String>,
    /// Counts in its place if there is none.
    pub default_value: Option<String>,
    /// Whether the key goes without it if there is none, in place of not being counted. Default: `false`.
    pub skip_if_absent: bool,
}

/// A part of a key that has a name, and that a request may not have.
macro_rules! named {
    (
        $(#[$doc:meta])* $type:ident;
        $(#[$of:meta])* $name:ident $(or $other:literal)?;
        $(#[$called:meta])* descriptor_key
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
        pub struct $type {
            $(#[$of])*
            pub $name: String,
            $(#[$called])*
            #[cfg_attr(feature = "schema", schemars(default))]
            pub descriptor_key: Option<String>,
            /// Counts in its place if there is none.
            #[cfg_attr(feature = "schema", schemars(default))]
            pub default_value: Option<String>,
            /// Whether the key goes without it if there is none, in place of not being counted. Default: `false`.
            #[cfg_attr(feature = "schema", schemars(default))]
            pub skip_if_absent: bool,
        }

        read_object!(
            $type = Self::default();
            $name $(or $other)? (required), descriptor_key, default_value, skip_if_absent
        );
    };
}

named!(
    /// A header. Of several, the first.
    Header;
    /// The header, or one of `:path` (with the query), `:method` and `:authority`.
    header_name;
    /// What it is called in the key. Default: the name of the header.
    descriptor_key
);
named!(
    /// A query parameter, decoded. Of several, the first.
    QueryParameter;
    /// The parameter.
    query_parameter_name;
    /// What it is called in the key. Default: the name of the parameter.
    descriptor_key
);
named!(
    /// Something that has a name.
    OfName;
    /// Which one; names of a claim that is in another are joined by dots.
    name or "key";
    /// What it is called in the key. Default: its name.
    descriptor_key
);

/// A path, or a segment of it.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Path {
    /// Paths that have the segment: `/orgs/{org}/**`. Others have none. Default: the whole path counts.
    pub template: Option<String>,
    /// The name in the template of the segment that counts: `org`.
    pub segment: Option<String>,
    /// What it is called in the key. Default: the name of the segment, or `path`.
    pub descriptor_key: Option<String>,
    /// Counts in its place if there is none.
    pub default_value: Option<String>,
    /// Whether the key goes without it if there is none, in place of not being counted. Default: `false`.
    pub skip_if_absent: bool,
}

read_object!(Empty = Self {};);
read_object!(Simple = Self::default(); descriptor_key, default_value, skip_if_absent);
read_object!(Path = Self::default(); template, segment, descriptor_key, default_value, skip_if_absent);
