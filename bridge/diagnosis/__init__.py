"""What a player needs to see when something is not as it should be: ports, incoming messages, the machine, timing."""
