"""What a retraining is going to do: the plan, which all later states of the state machine read."""
