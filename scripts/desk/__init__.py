"""The offline desk: opens what arrived, keeps the casebook, and answers.

Imports no network and no web code.
"""
