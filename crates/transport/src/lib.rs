//! Sockets behind one contract: ZeroMQ for services, memory for tests.
