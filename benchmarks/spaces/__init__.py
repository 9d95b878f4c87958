"""Search spaces, one a file: encoding, rules, canonical form; no training."""
