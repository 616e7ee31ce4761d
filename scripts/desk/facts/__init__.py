"""Facts that lawyers ask for: dated events, people and organisations, contacts, damages.

To read them for a case, also for handing it over: ``reading.facts_of(casebook, case)`` gives what
counts, with everything that it rests on spelled out; ``reading.fact_values`` gives the same for
programs. Times of events are in ``dates``, what facts rest on in ``sources``, parties that are one
across cases in ``entities``, sums by currency in ``damages``; ``entering`` adds facts.
"""
