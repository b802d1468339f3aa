"""How good predictions are: metrics, intervals, rules to compare with."""
