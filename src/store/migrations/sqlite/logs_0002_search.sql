-- One row for each thing that was logged (an operation begins, a message, an operation ends), in the order of writing.
-- `id` is milliseconds since the epoch times 1024 plus a count, so a time is a place in this order.
CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  operation_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  message_id INTEGER
) STRICT;
CREATE INDEX entries_by_operation ON entries (operation_id, id);

-- The words of each entry; its rowid is the entry's id. The texts themselves are not kept a second time.
CREATE VIRTUAL TABLE entry_words USING fts5 (
  environment,
  words,
  content = '',
  contentless_delete = 1,
  tokenize = 'unicode61 remove_diacritics 2'
);
