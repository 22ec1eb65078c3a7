//! Actions that produce a value of the request.

use tollgate_policy::Config;

/// An empty object: `{}`.
#[derive(Clone, Copy, Debug, Default, Config)]
pub struct Empty {}

/// Options of an action whose value a request may lack.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct ValueOptions {
    /// Descriptor key of the entry. Default: the name of the action.
    pub descriptor_key: Option<String>,
    /// Value to use if the request has none. Default: none.
    pub default_value: Option<String>,
    /// Whether to leave the entry out of the key if the request has no value for it. Otherwise, the limit
    /// does not apply to such a request. Default: `false`.
    pub skip_if_absent: bool,
}

/// Defines the options of an action that has a name, and whose value a request may lack.
macro_rules! named {
    (
        $(#[$doc:meta])* $type:ident;
        $(#[$of:meta])* $name:ident $(or $other:literal)?;
        $(#[$called:meta])* descriptor_key
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Config)]
        pub struct $type {
            $(#[$of])*
            $(#[config(alias = $other)])?
            pub $name: String,
            $(#[$called])*
            pub descriptor_key: Option<String>,
            /// Value to use if the request has none. Default: none.
            pub default_value: Option<String>,
            /// Whether to leave the entry out of the key if the request has no value for it. Otherwise, the
            /// limit does not apply to such a request. Default: `false`.
            #[config(default)]
            pub skip_if_absent: bool,
        }
    };
}

named!(
    /// Value of a header. If the header is repeated, the first value counts.
    Header;
    /// Name of the header, or one of `:path` (with the query), `:method` and `:authority`.
    header_name;
    /// Descriptor key of the entry. Default: the name of the header.
    descriptor_key
);
named!(
    /// Value of a query parameter, decoded. If the parameter is repeated, the first value counts.
    QueryParameter;
    /// Name of the parameter.
    query_parameter_name;
    /// Descriptor key of the entry. Default: the name of the parameter.
    descriptor_key
);
named!(
    /// Options of an action that selects its value by name.
    NamedValue;
    /// Name of the cookie, claim or filter state. Join the names of nested claims with dots.
    name or "key";
    /// Descriptor key of the entry. Default: the value of `name`.
    descriptor_key
);

/// The path, or one of its segments.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct Path {
    /// Template of the paths that have the segment, such as `/orgs/{org}/**`. Other paths have no value.
    /// Default: the whole path is the value.
    pub template: Option<String>,
    /// Placeholder of the template whose segment is the value, such as `org`.
    pub segment: Option<String>,
    /// Descriptor key of the entry. Default: the name of the segment, or `path`.
    pub descriptor_key: Option<String>,
    /// Value to use if the request has none. Default: none.
    pub default_value: Option<String>,
    /// Whether to leave the entry out of the key if the request has no value for it. Otherwise, the limit
    /// does not apply to such a request. Default: `false`.
    pub skip_if_absent: bool,
}
