//! Tests of the pings in virtual time.
