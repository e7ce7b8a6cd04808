"""Music as frames, the nets, training and evaluation: no ports, no threads, no sockets."""
