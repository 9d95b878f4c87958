"""Once-for-All: progressive shrinking, then an accuracy predictor and evolution under a bound."""
