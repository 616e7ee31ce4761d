"""Mutation testing: faults are planted in copies of the sources, and the tests have to notice
them.
"""
