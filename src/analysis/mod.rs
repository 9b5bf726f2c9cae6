//! Rules over a trace: what went wrong, why, and how it is known. One rule a file, each with its explanation.
