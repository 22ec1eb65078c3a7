//! Enums whose variants are the values of a label of a metric.

/// A set of names that are known when the module is built, such as the reasons for a rejection.
///
/// `#[derive(Label)]` implements it for an enum without values. The names are those of the variants in snake
/// case, or those that `#[label(name = "..")]` gives.
///
/// ```
/// # extern crate tollgate_types as tollgate;
/// use tollgate_types::Label;
///
/// #[derive(Clone, Copy, Label)]
/// enum Reason {
///     TooLong,
///     #[label(name = "expired")]
///     Old,
/// }
///
/// assert_eq!(Reason::ALL.iter().map(|reason| reason.name()).collect::<Vec<_>>(), ["too_long", "expired"]);
/// assert_eq!(Reason::Old.index(), 1);
/// ```
pub trait Label: Copy + 'static {
    /// All variants, in the order of their indices.
    const ALL: &'static [Self];

    /// Returns the name: letters, digits and `_`.
    fn name(self) -> &'static str;

    /// Returns the position in [`Label::ALL`].
    fn index(self) -> usize;
}
