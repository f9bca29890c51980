"""Social insurance: who has to be insured, what is owed and paid, what follows from it.

The rules are rows of :mod:`issuer.rules`; the modules here read them and never hold a number of the law themselves.
Where no row is known the answer is "no rule known here".
"""
