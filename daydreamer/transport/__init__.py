"""Rows up, policies down: one TCP port, ZeroMQ with CURVE, a spool on the actor's disk."""
