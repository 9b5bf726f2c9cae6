//! One file a subcommand: build, run, report, render.
