//! What a user tells the analysis beside the input.

/// What the rules may know beside the messages. The default knows nothing.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The country calling code in which calls usually stay, without `+`: a call elsewhere at a high rate is suspect.
    pub home_country: Option<Box<str>>,
    /// Whether the input has no times, or whole seconds only, as some logs: then nothing is said of how long a thing took.
    pub coarse_times: bool,
    /// Whether somebody reads along: then what takes many conversations to see is told as soon as it is established, and once more, with all that
    /// came after, at the end.
    pub read_along: bool,
    /// Users whose passwords are known: refused credentials are computed again with them.
    pub credentials: Vec<crate::digest::Known>,
    /// Certificates with which signatures of callers' numbers are verified.
    pub stir: Option<super::rules::identity::signature::Certificates>,
}
