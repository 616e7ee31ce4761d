-- Derived tables: made from the casebook's own (../casebook/schema.sql) for finding and listing.
-- They hold nothing that is not in those, and are rebuilt when one is missing or was made by
-- another version.
--
-- Whoever changes a table here also changes _VERSION in the module that fills it, or old ones are
-- never rebuilt.


-- How far each register (a group of derived tables) has come: "upto" is the number of the last row
-- of the table "source" that it includes. The row with source '' belongs to the register itself and
-- holds its version.
CREATE TABLE register (
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  version INTEGER NOT NULL,
  upto INTEGER NOT NULL,
  PRIMARY KEY (name, source)
) STRICT;


-- Register "outline", filled by summary.py: one row for each case, so that a list of many cases
-- reads no report.

-- All parts taken together: harms is a JSON list of codes; since and until are months such as
-- 2019-03, or ''. withdrawn and silent (the claimant asked for no notice) are 0 or 1; later counts
-- the parts that came after everything was taken back; text is the beginning of the first part's
-- text.
CREATE TABLE outline (
  "case" INTEGER PRIMARY KEY,
  day TEXT NOT NULL,
  language TEXT NOT NULL,
  category TEXT NOT NULL,
  harms TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  parts INTEGER NOT NULL,
  files INTEGER NOT NULL,
  withdrawn INTEGER NOT NULL,
  later INTEGER NOT NULL,
  silent INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;

-- The parts that name files, with how many, so that an import need not read the other parts.
CREATE TABLE part_with_files (
  part INTEGER PRIMARY KEY,
  files INTEGER NOT NULL
) STRICT;

-- What claimants answered, with codes of the campaign's questions and with "category" and "harms":
-- a row for each answer of any part, each code of several, each column of a line (question.column).
CREATE TABLE fact (
  code TEXT NOT NULL,
  value TEXT NOT NULL,
  "case" INTEGER NOT NULL,
  PRIMARY KEY (code, value, "case")
) STRICT, WITHOUT ROWID;
CREATE INDEX fact_case ON fact ("case");


-- Register "said", filled by said.py: what reviewers say, and who may see it.

-- A value that reviewers gave a field. "source" is review for the value that counts, own for what
-- the reader said last. "reader" is the fingerprint of the only reviewer who may see it, or '' if
-- everybody may who did not give the case away.
CREATE TABLE said (
  code TEXT NOT NULL,
  source TEXT NOT NULL,
  reader TEXT NOT NULL,
  value TEXT NOT NULL,
  "case" INTEGER NOT NULL,
  PRIMARY KEY (code, source, reader, value, "case")
) STRICT, WITHOUT ROWID;
CREATE INDEX said_case ON said ("case");

-- The cases whose standing was worked out since: what was said may have changed, or who may see it.
CREATE TABLE said_stale (
  "case" INTEGER PRIMARY KEY
) STRICT;
-- The few layers that may give a case away, as ../casebook/layers.py asks for them at each command.
CREATE INDEX layer_given_away ON layer (reviewer) WHERE instr(judgement, '"conflict":false') = 0;
CREATE TRIGGER said_stale_noted AFTER INSERT ON standing BEGIN INSERT OR IGNORE INTO said_stale VALUES (NEW."case"); END;


-- Register "found", filled by index.py: the words of every part, of every answer, and of every text
-- beside them, spelled as in folding.py.

-- It keeps no copy of the texts (content=''), which are in the casebook already. Rows are only ever
-- added.
CREATE VIRTUAL TABLE found USING fts5(words, content='', columnsize=0, tokenize="ascii tokenchars '_'");

-- A text that goes with what the claimant sent: see beside.py.
CREATE TABLE beside (
  number INTEGER PRIMARY KEY,
  "case" INTEGER NOT NULL,
  key TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX beside_case_key ON beside ("case", key);

-- Who may read it: as in table said. Without a row, nobody may read it any more.
CREATE TABLE beside_reader (
  number INTEGER NOT NULL,
  reader TEXT NOT NULL,
  PRIMARY KEY (number, reader)
) STRICT, WITHOUT ROWID;

-- The cases in which such a text may be new, or may now have other readers.
CREATE TABLE beside_stale (
  "case" INTEGER PRIMARY KEY
) STRICT;
CREATE TRIGGER beside_stale_noted AFTER INSERT ON standing BEGIN INSERT OR IGNORE INTO beside_stale VALUES (NEW."case"); END;
CREATE TRIGGER beside_translation_noted AFTER INSERT ON translation BEGIN INSERT OR IGNORE INTO beside_stale VALUES (NEW."case"); END;


-- Register "duplicates", filled by similar.py: cases that may be about one thing.

-- Two linked cases, the later one in "case"; why is file, text or near, percent how much their
-- texts have in common.
CREATE TABLE link (
  "case" INTEGER NOT NULL,
  other INTEGER NOT NULL,
  why TEXT NOT NULL,
  percent INTEGER NOT NULL,
  PRIMARY KEY ("case", other, why)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_other ON link (other);

-- The hash of every folded text, with the cases that hold it.
CREATE TABLE same_text (
  sha256 BLOB NOT NULL,
  "case" INTEGER NOT NULL,
  PRIMARY KEY (sha256, "case")
) STRICT, WITHOUT ROWID;

-- The keys under which parts with many 3-grams in common are likely to meet.
CREATE TABLE band (
  key INTEGER NOT NULL,
  part INTEGER NOT NULL,
  PRIMARY KEY (key, part)
) STRICT, WITHOUT ROWID;

-- The hash of every opened file, with the cases that hold it.
CREATE TABLE same_file (
  sha256 TEXT NOT NULL,
  "case" INTEGER NOT NULL,
  PRIMARY KEY (sha256, "case")
) STRICT, WITHOUT ROWID;


-- Register "readings", filled by alike_files.py: files that have nearly the same text.

-- A file of a case, by its SHA-256, in which a machine has read enough text.
CREATE TABLE reading (
  number INTEGER PRIMARY KEY,
  "case" INTEGER NOT NULL,
  file TEXT NOT NULL
) STRICT;
CREATE INDEX reading_case ON reading ("case");

-- The keys under which such files with many 3-grams in common are likely to meet.
CREATE TABLE reading_band (
  key INTEGER NOT NULL,
  reading INTEGER NOT NULL,
  PRIMARY KEY (key, reading)
) STRICT, WITHOUT ROWID;
CREATE INDEX reading_band_reading ON reading_band (reading);

-- The cases that may have a new transcript.
CREATE TABLE reading_stale (
  "case" INTEGER PRIMARY KEY
) STRICT;
CREATE TRIGGER reading_stale_noted AFTER INSERT ON standing BEGIN INSERT OR IGNORE INTO reading_stale VALUES (NEW."case"); END;
CREATE TRIGGER reading_translation_noted AFTER INSERT ON translation BEGIN INSERT OR IGNORE INTO reading_stale VALUES (NEW."case"); END;
