-- The casebook's tables: everything that a desk knows and could not reconstruct. (Whatever can be
-- derived from these tables is in ../search/derived.sql.)
--
-- A casebook that exists is altered to match this file by `migrate` alone: whoever changes a table
-- here also changes VERSION in casebook.py and adds the upgrade to it in upgrade.py. SQLite's
-- user_version holds the version of the file, meta.version the one that it was created with.
-- Comments stand between statements, never inside them: SQLite would keep those in every casebook,
-- where `verify` cannot tell whether they were altered. Days are UTC, written 2026-11-23; hashes
-- are SHA-256 in lower-case hex.


-- The casebook itself, in one row.
--   server_key  the vault's public key (Ed25519), with which export bundles are verified
--   desk        from 0; two desks with one number would give replies the same tags
--   sample_key  draws the cases for a second review; neither claimants nor reviewers choose it
--   origin      what the custody log's first line follows: a hash of this row and the reviewers
CREATE TABLE meta (
  version INTEGER PRIMARY KEY NOT NULL,
  campaign TEXT NOT NULL,
  server_key BLOB NOT NULL,
  desk INTEGER NOT NULL,
  sample_key BLOB NOT NULL,
  origin TEXT NOT NULL
) STRICT;


-- What claimants sent. The triggers at the end of this file refuse every change.

-- A case is a pair of reply keys, both derived from one codename. Both count: a report with
-- somebody's reply key and a wrong tag key must not lead that person's answers astray.
CREATE TABLE cases (
  number INTEGER PRIMARY KEY NOT NULL,
  reply_public BLOB NOT NULL,
  tag_key BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_cases_reply_public_tag_key ON cases (reply_public, tag_key);

-- A case's name, which follows from its keys; see ../case_name.py and names.py.
--   characters  all of them, without check characters; sorted by them, alike names are neighbours
--   name        as many of them as tell it from the others here, as people read it
--   former      what the casebook called it before version 6 (C-0001), or ''
CREATE TABLE case_name (
  "case" INTEGER PRIMARY KEY NOT NULL,
  characters TEXT NOT NULL,
  name TEXT NOT NULL,
  former TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_case_name_characters ON case_name (characters);

-- A report, message or withdrawal of a case.
--   block_id      the block that it came in, as the export bundle lists it
--   block_sha256  the hash of that block's bytes, likewise
--   day           when it was filed, likewise
--   bundle        the export bundle that brought it
--   report        the opened report, byte for byte: canonical JSON
CREATE TABLE part (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  block_id BLOB NOT NULL,
  block_sha256 TEXT NOT NULL,
  day TEXT NOT NULL,
  bundle INTEGER NOT NULL,
  report BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_part_block_id ON part (block_id);
CREATE INDEX idx_part_case ON part ("case");

-- A file of a part that has been opened: number "place" (from 0) of its attachments. The file
-- itself is in the directory attachments, under its hash.
CREATE TABLE attachment (
  part INTEGER NOT NULL,
  place INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (part, place)
) STRICT;


-- What came in bundles.

-- An export bundle of format 1 that was imported, and the day of the import.
CREATE TABLE export (
  number INTEGER PRIMARY KEY NOT NULL,
  day TEXT NOT NULL,
  manifest_sha256 TEXT NOT NULL
) STRICT;

-- Whatever could not be opened so far, and why: a report (place 0), or file number "place" (from 1)
-- of the report in this block. A row goes when its report or file has been opened.
CREATE TABLE unopened (
  block_id BLOB NOT NULL,
  place INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (block_id, place)
) STRICT;

-- An export bundle of format 2 that was imported: the vault's id and the bundle's number there, the
-- day, the SHA-256 of its head, and the onion address of the drop. Ids and hashes are hex.
CREATE TABLE bundle (
  vault TEXT NOT NULL,
  number INTEGER NOT NULL,
  day TEXT NOT NULL,
  head TEXT NOT NULL,
  onion TEXT NOT NULL,
  PRIMARY KEY (vault, number)
) STRICT;

-- A bundle that was acknowledged: the vault may now delete what it held. The acknowledgement left
-- with the reply bundle of this number.
CREATE TABLE acknowledgement (
  vault TEXT NOT NULL,
  number INTEGER NOT NULL,
  reply_bundle INTEGER NOT NULL,
  PRIMARY KEY (vault, number)
) STRICT;

-- The next bundle is compared with this: all slots of the newest one, what was opened in them (see
-- bundles.py), and the days that took no more reports. Replaced as a whole by each import.
CREATE TABLE slot (
  id BLOB PRIMARY KEY NOT NULL,
  sha256 BLOB NOT NULL,
  day TEXT NOT NULL,
  opened INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE closed_day (
  day TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

-- The day keys (ids of their records) with which the slots above were tried.
CREATE TABLE tried_key (
  id BLOB PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

-- Something that could not be opened and that a reviewer decided to keep as it came: a block, or a
-- day key's sealed record (kind "block" or "day key"), its day, SHA-256 and the bundle that brought
-- it.
CREATE TABLE sealed (
  number INTEGER PRIMARY KEY NOT NULL,
  id BLOB NOT NULL,
  kind TEXT NOT NULL,
  day TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bundle INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_sealed_id_sha256 ON sealed (id, sha256);

-- Entries of table unopened that no longer hold back the acknowledgement: kept in table sealed
-- (kept 1), or no longer on the server (kept 0). A row is deleted together with that of unopened.
CREATE TABLE set_aside (
  block_id BLOB NOT NULL,
  place INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  PRIMARY KEY (block_id, place)
) STRICT;


-- Answers.

-- An answer or acknowledgement to a case. While it is queued, number and bundle are NULL; when it
-- leaves, number is its reply number (from 0) for the case and bundle the reply bundle that carries
-- it. Nothing else here changes.
CREATE TABLE answer (
  id INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  kind TEXT NOT NULL,
  language TEXT NOT NULL,
  day TEXT NOT NULL,
  text TEXT NOT NULL,
  number INTEGER,
  bundle INTEGER
) STRICT;
CREATE INDEX idx_answer_case ON answer ("case");

-- A queued answer that was taken back. It never leaves; its text stays for the record.
CREATE TABLE taken_back (
  answer INTEGER PRIMARY KEY NOT NULL,
  day TEXT NOT NULL
) STRICT;

-- A reply bundle that was written, and the hash of its file. Without a hash, none was written: the
-- casebook was restored on that day, and the numbers up to this one may be in use; see numbers.py.
CREATE TABLE reply_bundle (
  number INTEGER PRIMARY KEY NOT NULL,
  day TEXT NOT NULL,
  sha256 TEXT NOT NULL
) STRICT;

-- An answer that left. Rows never change, and answer.number and answer.bundle are verified against
-- them. "part" was the last part of the case at that time: whatever comes after it may be a
-- response to the answer.
CREATE TABLE departure (
  answer INTEGER PRIMARY KEY NOT NULL,
  number INTEGER NOT NULL,
  bundle INTEGER NOT NULL,
  part INTEGER NOT NULL
) STRICT;

-- An answer that had left and was written out once more, in a later reply bundle, because the vault
-- never got the first one. Its number stays, so the vault can take it only once.
CREATE TABLE sent_again (
  answer INTEGER NOT NULL,
  bundle INTEGER NOT NULL,
  PRIMARY KEY (answer, bundle)
) STRICT, WITHOUT ROWID;


-- What reviewers say.

-- One version of one reviewer's judgement of a case. Later versions are added; earlier ones stay.
--   reviewer   the fingerprint of the reviewer's OpenPGP key
--   role       review or adjudication
--   version    counted from 1 for each reviewer of the case
--   blind      1 if the reviewer could not have seen another's judgement
--   judgement  canonical JSON
CREATE TABLE layer (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  reviewer TEXT NOT NULL,
  role TEXT NOT NULL,
  version INTEGER NOT NULL,
  day TEXT NOT NULL,
  blind INTEGER NOT NULL,
  judgement TEXT NOT NULL
) STRICT;
CREATE INDEX idx_layer_case ON layer ("case");

-- The parts that a layer of a casebook before version 6 was based on: those that came before it in
-- the custody log. Later layers name their parts themselves.
CREATE TABLE considered (
  layer INTEGER NOT NULL,
  part INTEGER NOT NULL,
  PRIMARY KEY (layer, part)
) STRICT, WITHOUT ROWID;

-- What lists and filters need of each case, derived from its parts, layers and answers. Everybody
-- reads it, so it holds nothing from a review that others may not see yet. Lists of codes have a
-- space before and after each code.
--   status          how far its reviews have come
--   correspondence  whether it was answered, and whether more came since
--   differ          the fields in which two reviewers disagree, until a third has decided
--   assigned        whose it is to review (a fingerprint), or ''
CREATE TABLE standing (
  "case" INTEGER PRIMARY KEY NOT NULL,
  status TEXT NOT NULL,
  correspondence TEXT NOT NULL,
  merit TEXT NOT NULL,
  urgency TEXT NOT NULL,
  category TEXT NOT NULL,
  harms TEXT NOT NULL,
  tags TEXT NOT NULL,
  flags TEXT NOT NULL,
  differ TEXT NOT NULL,
  reviewers TEXT NOT NULL,
  assigned TEXT NOT NULL
) STRICT;


-- What reviewers add to a case beside their layers. Within one case and table, "rank" is one more
-- than the highest that the desk knew: a later row replaces an earlier one, and none is ever
-- changed.

-- A gist or a translation of one text of a case.
--   source    the text: the block id of its part, or the SHA-256 of its answer, in hex
--   kind      gist or translation
--   language  the language into which it was translated
--   machine   the name of the program that made it, or '' if it was made by hand
CREATE TABLE translation (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  language TEXT NOT NULL,
  machine TEXT NOT NULL,
  text TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  rank INTEGER NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_translation_case ON translation ("case");

-- The reviewer assigned a case to the assignee for review, or, if that is '', to nobody.
CREATE TABLE assignment (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  assignee TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  rank INTEGER NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_assignment_case ON assignment ("case");

-- A rejected case that was drawn to come back for a second review, with the sample key of the desk
-- with the origin "key"; "percent" is how many of the rejected cases are drawn.
CREATE TABLE draw (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  key TEXT NOT NULL,
  percent INTEGER NOT NULL,
  reviewer TEXT NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_draw_case ON draw ("case");

-- What a reviewer says about two cases that may be about one thing: confirmed or denied. "other" is
-- the whole name of the other case, which comes after that of "case".
CREATE TABLE link_decision (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  other TEXT NOT NULL,
  decision TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  rank INTEGER NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_link_decision_case ON link_decision ("case");

-- A reviewer other than its author released an answer: answer number "answer" of the desk with this
-- number, whose row has this hash in the custody log.
CREATE TABLE release (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  desk INTEGER NOT NULL,
  answer INTEGER NOT NULL,
  answer_sha256 TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_release_case ON release ("case");

-- The vault took this reply bundle of this desk and signer (a fingerprint), according to the export
-- bundle of this number.
CREATE TABLE confirmation (
  vault TEXT NOT NULL,
  desk INTEGER NOT NULL,
  signer TEXT NOT NULL,
  reply_bundle INTEGER NOT NULL,
  bundle INTEGER NOT NULL,
  day TEXT NOT NULL,
  PRIMARY KEY (vault, desk, signer, reply_bundle)
) STRICT;

-- Something in a case that is blacked out in everything that leaves; see redactions.py.
--   key     random, in hex: what takes it back names it
--   kind    "text": characters "start" to "stop" of the text with this SHA-256;
--           "box": a box on a page of the file with this SHA-256; "file": all of that file
--   page    from 1; 0 unless it is a box
--   x to height  the box, in millionths of the page's width or height
--   reason  a code of the campaign's list "redaction"
CREATE TABLE redaction (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  page INTEGER NOT NULL,
  x INTEGER NOT NULL,
  y INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  start INTEGER NOT NULL,
  stop INTEGER NOT NULL,
  reason TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  rank INTEGER NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_redaction_case ON redaction ("case");

-- The redaction with this key no longer counts, and why. It stays in its table all the same.
CREATE TABLE redaction_end (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  key TEXT NOT NULL,
  because TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  rank INTEGER NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_redaction_end_case ON redaction_end ("case");


-- What lawyers ask about a case: facts, each with what it rests on. Rows with the same "entry" are
-- versions of one fact; the last one counts.
--   entry   a letter for the kind of fact and nine random characters; see facts.py
--   source  the part, file or answer that it rests on, or ''; see ../facts/sources.py
--   state   stated, or taken back
--   reason  why this version replaces the one before, '' in a first one

-- Something that happened.
--   kind     a code of the campaign
--   date     "2019-03-15", "2019-03..2019-05", "<2019" and the like, '' if it is not known; see
--            ../facts/dates.py
--   parties  entries of the case's parties that took part, a space between each
CREATE TABLE event (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  entry TEXT NOT NULL,
  kind TEXT NOT NULL,
  date TEXT NOT NULL,
  source TEXT NOT NULL,
  parties TEXT NOT NULL,
  text TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  rank INTEGER NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_event_case ON event ("case");

-- A person or an organisation in a case: kind and role are codes of the campaign, names are one a
-- line.
CREATE TABLE party (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  entry TEXT NOT NULL,
  kind TEXT NOT NULL,
  role TEXT NOT NULL,
  names TEXT NOT NULL,
  source TEXT NOT NULL,
  text TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  rank INTEGER NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_party_case ON party ("case");

-- What a reviewer says about two parties, perhaps of two cases, that may be one: confirmed or
-- denied. "one" comes before "other". "rank" counts what was said about these two.
CREATE TABLE same_party (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  one TEXT NOT NULL,
  other TEXT NOT NULL,
  decision TEXT NOT NULL,
  reason TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  rank INTEGER NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_same_party_case ON same_party ("case");

-- Somebody on the team had contact with somebody in a case, on "date" through "channel", a code of
-- the campaign. "team" and "contact" are who, "text" is what was agreed.
CREATE TABLE contact (
  number INTEGER PRIMARY KEY NOT NULL,
  "case" INTEGER NOT NULL,
  entry TEXT NOT NULL,
  date TEXT NOT NULL,
  channel TEXT NOT NULL,
  team TEXT NOT NULL,
  contact TEXT NOT NULL,
  text TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  rank INTEGER NOT NULL,
  day TEXT NOT NULL
) STRICT;
CREATE INDEX idx_contact_case ON contact ("case");


-- The custody log, and the keys that vouch for it.

-- A line in canonical JSON and its signature by the session's key; see custody.py.
CREATE TABLE custody (
  number INTEGER PRIMARY KEY NOT NULL,
  line BLOB NOT NULL,
  signature BLOB NOT NULL
) STRICT;

-- A reviewer whose work this casebook takes: fingerprint and public key (Ed25519) of the OpenPGP
-- key, and a public name.
CREATE TABLE reviewer (
  fingerprint TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  ed25519 BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_reviewer_name ON reviewer (name);


-- Other desks' work, as bundles of `export-work` brought it; see desks.py. Nothing here names
-- anything by a number of this casebook.

-- A desk that this one has heard of, by the hash that its custody log begins with. That is the hash
-- of "settings": the other casebook's row of meta and its first reviewers.
CREATE TABLE desk (
  origin TEXT PRIMARY KEY NOT NULL,
  number INTEGER NOT NULL,
  settings TEXT NOT NULL
) STRICT;

-- A line of another desk's custody log, or of this one's before it was restored from a backup.
-- "sha256" is the hash that the next line holds; two lines after one are a fork.
CREATE TABLE desk_line (
  sha256 TEXT PRIMARY KEY NOT NULL,
  origin TEXT NOT NULL,
  number INTEGER NOT NULL,
  line BLOB NOT NULL,
  signature BLOB NOT NULL
) STRICT;

-- A row that such a line records: what a reviewer did there.
--   kind        its table
--   characters  its case, by its whole name, or ''
--   seen        of an answer that left: the parts that its case had then, a JSON list of block ids
--   closed      1 if it came sealed to its own reviewer alone
--   "row"       all its columns as they are there, in canonical JSON
CREATE TABLE desk_row (
  line TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  characters TEXT NOT NULL,
  seen TEXT NOT NULL,
  closed INTEGER NOT NULL,
  "row" TEXT NOT NULL
) STRICT;
CREATE INDEX idx_desk_row_characters_kind ON desk_row (characters, kind);

-- A reviewer at another desk has reviewed a case, in a layer that may not be read yet: the line has
-- its hash. Once the layer is in desk_row, this row adds nothing.
CREATE TABLE desk_promise (
  line TEXT PRIMARY KEY NOT NULL,
  characters TEXT NOT NULL,
  reviewer TEXT NOT NULL
) STRICT;
CREATE INDEX idx_desk_promise_characters ON desk_promise (characters);

-- Such layers as they came, sealed to their own reviewer alone, who gets them back from here if
-- that desk's casebook is lost. "lines" is a JSON list of the hashes of the lines that record them.
CREATE TABLE desk_closed (
  sha256 TEXT PRIMARY KEY NOT NULL,
  reviewer TEXT NOT NULL,
  lines TEXT NOT NULL,
  sealed BLOB NOT NULL
) STRICT;


-- Rows that SQLite itself refuses to change or delete. `verify` compares these triggers with the
-- file's character by character, so never reformat them.
CREATE TRIGGER cases_update BEFORE UPDATE ON cases BEGIN SELECT RAISE(ABORT, 'what claimants sent is never changed'); END;
CREATE TRIGGER cases_delete BEFORE DELETE ON cases BEGIN SELECT RAISE(ABORT, 'what claimants sent is never changed'); END;
CREATE TRIGGER part_update BEFORE UPDATE ON part BEGIN SELECT RAISE(ABORT, 'what claimants sent is never changed'); END;
CREATE TRIGGER part_delete BEFORE DELETE ON part BEGIN SELECT RAISE(ABORT, 'what claimants sent is never changed'); END;
CREATE TRIGGER attachment_update BEFORE UPDATE ON attachment BEGIN SELECT RAISE(ABORT, 'what claimants sent is never changed'); END;
CREATE TRIGGER attachment_delete BEFORE DELETE ON attachment BEGIN SELECT RAISE(ABORT, 'what claimants sent is never changed'); END;
CREATE TRIGGER layer_update BEFORE UPDATE ON layer BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER layer_delete BEFORE DELETE ON layer BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER considered_update BEFORE UPDATE ON considered BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER considered_delete BEFORE DELETE ON considered BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER departure_update BEFORE UPDATE ON departure BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER departure_delete BEFORE DELETE ON departure BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER sent_again_update BEFORE UPDATE ON sent_again BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER sent_again_delete BEFORE DELETE ON sent_again BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER taken_back_update BEFORE UPDATE ON taken_back BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER taken_back_delete BEFORE DELETE ON taken_back BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER custody_update BEFORE UPDATE ON custody BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER custody_delete BEFORE DELETE ON custody BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER reviewer_update BEFORE UPDATE ON reviewer BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER reviewer_delete BEFORE DELETE ON reviewer BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER bundle_update BEFORE UPDATE ON bundle BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER bundle_delete BEFORE DELETE ON bundle BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER acknowledgement_update BEFORE UPDATE ON acknowledgement BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER acknowledgement_delete BEFORE DELETE ON acknowledgement BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER sealed_update BEFORE UPDATE ON sealed BEGIN SELECT RAISE(ABORT, 'what claimants sent is never changed'); END;
CREATE TRIGGER sealed_delete BEFORE DELETE ON sealed BEGIN SELECT RAISE(ABORT, 'what claimants sent is never changed'); END;
CREATE TRIGGER desk_update BEFORE UPDATE ON desk BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER desk_delete BEFORE DELETE ON desk BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER desk_line_update BEFORE UPDATE ON desk_line BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER desk_line_delete BEFORE DELETE ON desk_line BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER desk_row_update BEFORE UPDATE ON desk_row BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER desk_row_delete BEFORE DELETE ON desk_row BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER desk_promise_update BEFORE UPDATE ON desk_promise BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER desk_promise_delete BEFORE DELETE ON desk_promise BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER desk_closed_update BEFORE UPDATE ON desk_closed BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER desk_closed_delete BEFORE DELETE ON desk_closed BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER translation_update BEFORE UPDATE ON translation BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER translation_delete BEFORE DELETE ON translation BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER assignment_update BEFORE UPDATE ON assignment BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER assignment_delete BEFORE DELETE ON assignment BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER draw_update BEFORE UPDATE ON draw BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER draw_delete BEFORE DELETE ON draw BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER link_decision_update BEFORE UPDATE ON link_decision BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER link_decision_delete BEFORE DELETE ON link_decision BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER release_update BEFORE UPDATE ON release BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER release_delete BEFORE DELETE ON release BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER confirmation_update BEFORE UPDATE ON confirmation BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER confirmation_delete BEFORE DELETE ON confirmation BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER event_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER event_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER party_update BEFORE UPDATE ON party BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER party_delete BEFORE DELETE ON party BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER same_party_update BEFORE UPDATE ON same_party BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER same_party_delete BEFORE DELETE ON same_party BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER contact_update BEFORE UPDATE ON contact BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER contact_delete BEFORE DELETE ON contact BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER redaction_update BEFORE UPDATE ON redaction BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER redaction_delete BEFORE DELETE ON redaction BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER redaction_end_update BEFORE UPDATE ON redaction_end BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
CREATE TRIGGER redaction_end_delete BEFORE DELETE ON redaction_end BEGIN SELECT RAISE(ABORT, 'what reviewers did is never changed'); END;
