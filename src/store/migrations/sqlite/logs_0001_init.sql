CREATE TABLE operations (
  id TEXT PRIMARY KEY,
  environment_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  action TEXT NOT NULL,
  state TEXT NOT NULL,
  level TEXT NOT NULL,
  message TEXT NOT NULL,
  integration TEXT,
  provider TEXT,
  connection TEXT,
  function TEXT,
  run_id INTEGER,
  meta TEXT,
  error TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER
) STRICT;
CREATE INDEX operations_by_time ON operations (environment_id, created_at, id);

CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  operation_id TEXT NOT NULL,
  type TEXT NOT NULL,
  level TEXT NOT NULL,
  source TEXT NOT NULL,
  message TEXT NOT NULL,
  detail TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_operation ON messages (operation_id, id);
