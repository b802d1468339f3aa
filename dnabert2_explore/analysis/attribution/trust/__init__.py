"""How far an attribution is to be trusted: its checks, curves and scorecard."""
