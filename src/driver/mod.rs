//! Joins sources and machines to threads, sockets and the clock.
