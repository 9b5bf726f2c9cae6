//! ESP with NULL encryption.
