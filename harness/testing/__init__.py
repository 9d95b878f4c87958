"""The contracts of the search API as functions that anybody can run: over a method, a benchmark, ours or a plug-in's.

`checking.check` runs them by a registered name, `nasboard check` prints what it finds, `plugin` brings them and the
rank-regression fixtures into pytest. The contracts themselves need neither pytest nor hypothesis.
"""
