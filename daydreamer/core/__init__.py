"""The words every room speaks: specs, transition keys, the Agent and Policy protocols, packing, record logs."""
