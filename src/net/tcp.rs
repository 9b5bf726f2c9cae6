//! TCP segments put in order.
