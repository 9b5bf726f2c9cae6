//! Homer encapsulation, versions 2 and 3.
