//! Ledgers of what was acknowledged and shown, and the checkers of the promises over them.
