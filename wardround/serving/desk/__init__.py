"""The review desk: the pages on which the people on duty read, acknowledge, sign off and approve."""
