"""Cells whose nodes take two operations each, as DARTS' do: operations, wirings, and lists of operations by edge."""
