"""Facts that lawyers ask for: dated events, people and organisations, contacts, damages.

To read them for a case, even for handing it over: ``reading.facts_of(casebook, case)`` gives those
that count, with everything that they rest on spelled out; ``reading.fact_values`` gives the same
for programs. Times of events are in ``dates``, what facts rest on in ``sources``, parties that are
one across cases in ``entities``, sums by currency in ``damages``; ``entering`` adds facts.
"""
