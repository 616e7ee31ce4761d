"""Redaction: what is blacked out in everything that leaves, while the originals stay as they are.

For code that writes something that leaves the desk:

* :func:`scripts.desk.redaction.standing.standing` reads all redactions that count, once.
* :meth:`Standing.text` and :meth:`Standing.values` give a text, or all texts in a JSON value, as
  they leave; :meth:`Standing.beside` a translation or gist, which is withheld if only its original
  was redacted. Each finds a text by its hash, so any text can be handed to them.
* :meth:`Standing.must_not_leave_natively` says of which files only pixel copies leave;
  :func:`scripts.desk.redaction.copies.pages` draws these, a page at a time.
* :func:`scripts.desk.redaction.leaving_transcripts.leaving_transcripts` gives what a machine read
  in files without what boxes touch and without words that are blacked out in texts.
* :func:`scripts.desk.redaction.standing.counting` is what an approval has to bind.

Neither the SHA-256 nor the length of a redacted text or file may leave: both reveal what was there.
Use those of the redacted result.
"""
