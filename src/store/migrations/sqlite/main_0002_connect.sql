CREATE TABLE connect_sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  token_hash TEXT NOT NULL UNIQUE,
  details TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX connect_sessions_expires ON connect_sessions (expires_at);

CREATE TABLE authorizations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  integration_id INTEGER NOT NULL REFERENCES integrations (id),
  connection_id TEXT NOT NULL,
  state_hash TEXT NOT NULL UNIQUE,
  browser_hash TEXT NOT NULL,
  details TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;
CREATE INDEX authorizations_expires ON authorizations (expires_at);
