"""Handing cases over to counsel: what may leave, the numbers of documents, and load files."""
