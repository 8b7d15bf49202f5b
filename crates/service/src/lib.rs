//! What every service process shares: configuration, logs, metrics, health, shutdown.
