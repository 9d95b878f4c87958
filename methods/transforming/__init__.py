"""Transformers: methods that make of any architecture of a space one that is meant to be better and costs no more."""
