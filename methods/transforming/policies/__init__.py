"""Policies of transformers: modules that read architectures as graphs and put out logits of actions for every edge."""
