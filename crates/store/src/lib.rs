//! The disk of a servidor: its log and the views derived from it, in SQLite.
