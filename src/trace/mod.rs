//! Messages seen in order: transactions, dialogs, calls, registrations, exchanges, and media streams joined to them.
