//! What was typed and what it means: the only folder that names clap.
