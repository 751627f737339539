"""A thermostat: model dtmi:com:example:Thermostat;1. It behaves as guest/thermostat does, which is written in Rust."""
