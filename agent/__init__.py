"""What do we do about it? One turn in, a stream of typed events out (see `agent.agent`)."""
