CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO counters (name, value) VALUES ('change', 0), ('clock_us', 0);

CREATE TABLE environments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  is_production INTEGER NOT NULL,
  webhook_signing_key TEXT,
  settings TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX environments_name ON environments (name) WHERE deleted_at IS NULL;

CREATE TABLE api_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid TEXT NOT NULL UNIQUE,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  display_name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT;

CREATE TABLE environment_variables (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  name TEXT NOT NULL,
  value TEXT,
  UNIQUE (environment_id, name)
) STRICT;

CREATE TABLE integrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  unique_key TEXT NOT NULL,
  provider TEXT NOT NULL,
  display_name TEXT,
  credentials TEXT,
  custom TEXT,
  forward_webhooks INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX integrations_unique_key ON integrations (environment_id, unique_key) WHERE deleted_at IS NULL;

CREATE TABLE connections (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  integration_id INTEGER NOT NULL REFERENCES integrations (id),
  connection_id TEXT NOT NULL,
  credentials TEXT,
  connection_config TEXT,
  metadata TEXT NOT NULL,
  tags TEXT NOT NULL,
  end_user TEXT,
  end_user_id TEXT,
  organization_id TEXT,
  search_text TEXT NOT NULL,
  errors TEXT NOT NULL,
  webhook_url_override TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  last_fetched_at INTEGER,
  deleted_at INTEGER,
  expires_at INTEGER,
  credentials_checked_at INTEGER NOT NULL DEFAULT 0,
  last_refresh_success_at INTEGER,
  last_refresh_failure_at INTEGER,
  refresh_attempts INTEGER,
  refresh_exhausted INTEGER NOT NULL DEFAULT 0,
  refresh_lease TEXT,
  refresh_lease_until INTEGER,
  refresh_interrupted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX connections_identity ON connections (integration_id, connection_id) WHERE deleted_at IS NULL;
CREATE INDEX connections_by_integration ON connections (integration_id, id) WHERE deleted_at IS NULL;
CREATE INDEX connections_by_environment ON connections (environment_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX connections_expiring ON connections (expires_at) WHERE deleted_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX connections_checked ON connections (credentials_checked_at) WHERE deleted_at IS NULL;
CREATE INDEX connections_leased ON connections (refresh_lease_until) WHERE refresh_lease IS NOT NULL;

CREATE TABLE connection_tags (
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (connection_id, key)
) STRICT;
CREATE INDEX connection_tags_by_value ON connection_tags (key, value);

CREATE TABLE functions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  integration_id INTEGER NOT NULL REFERENCES integrations (id),
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  version TEXT NOT NULL,
  definition TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  source TEXT NOT NULL,
  deployed_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX functions_identity ON functions (integration_id, type, name) WHERE deleted_at IS NULL;
CREATE INDEX functions_by_environment ON functions (environment_id) WHERE deleted_at IS NULL;

CREATE TABLE function_code (
  function_id INTEGER PRIMARY KEY REFERENCES functions (id),
  code TEXT NOT NULL,
  map TEXT,
  source TEXT NOT NULL
) STRICT;

CREATE TABLE syncs (
  id TEXT PRIMARY KEY,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  integration_id INTEGER NOT NULL REFERENCES integrations (id),
  name TEXT NOT NULL,
  variant TEXT NOT NULL,
  frequency TEXT,
  last_sync_at INTEGER,
  accept_deletes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX syncs_identity ON syncs (connection_id, name, variant);
CREATE INDEX syncs_by_function ON syncs (integration_id, name) WHERE deleted_at IS NULL;

CREATE TABLE sync_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sync_id TEXT NOT NULL REFERENCES syncs (id),
  kind TEXT NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  task_id TEXT,
  attempt INTEGER NOT NULL,
  operation_id TEXT,
  checkpoint_from TEXT,
  checkpoint_to TEXT,
  error TEXT,
  started_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX sync_runs_by_sync ON sync_runs (sync_id, kind, id);
CREATE INDEX sync_runs_by_task ON sync_runs (task_id) WHERE status = 'RUNNING';

CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER,
  UNIQUE (connection_id, key)
) STRICT;

CREATE TABLE schedules (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  "group" TEXT NOT NULL,
  priority INTEGER NOT NULL,
  interval_ms INTEGER,
  cron TEXT,
  timezone TEXT,
  anchor_at INTEGER NOT NULL,
  next_at INTEGER,
  intent TEXT NOT NULL,
  state TEXT NOT NULL
) STRICT;
CREATE INDEX schedules_due ON schedules (next_at) WHERE intent = 'started' AND state = 'active';

CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  key TEXT,
  "group" TEXT NOT NULL,
  priority INTEGER NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL,
  run_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  losses INTEGER NOT NULL,
  lease_until INTEGER,
  cancel_reason TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER
) STRICT;
CREATE UNIQUE INDEX tasks_live_key ON tasks (key) WHERE key IS NOT NULL AND state IN ('waiting', 'started');
CREATE INDEX tasks_waiting ON tasks (kind, priority, run_at, id) WHERE state = 'waiting';
CREATE INDEX tasks_started ON tasks ("group") WHERE state = 'started';
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE state = 'finished';

CREATE TABLE locks (
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  key TEXT NOT NULL,
  owner TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (environment_id, key)
) STRICT;
CREATE INDEX locks_by_owner ON locks (owner);

CREATE TABLE collections (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  connection_id INTEGER NOT NULL,
  model TEXT NOT NULL,
  live_count INTEGER NOT NULL DEFAULT 0,
  size_bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (connection_id, model)
) STRICT;

CREATE TABLE records (
  id INTEGER PRIMARY KEY,
  collection_id INTEGER NOT NULL,
  external_id TEXT NOT NULL,
  change INTEGER NOT NULL,
  hash BLOB NOT NULL,
  payload TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  updated_us INTEGER NOT NULL,
  deleted_us INTEGER,
  pruned_us INTEGER,
  run_id INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX records_identity ON records (collection_id, external_id);
CREATE UNIQUE INDEX records_changes ON records (collection_id, change);

CREATE TABLE record_sightings (
  id INTEGER PRIMARY KEY,
  collection_id INTEGER NOT NULL,
  run_id INTEGER NOT NULL,
  record_ids TEXT NOT NULL
) STRICT;
CREATE INDEX record_sightings_by_run ON record_sightings (collection_id, run_id);

CREATE TABLE delete_windows (
  collection_id INTEGER NOT NULL,
  scope TEXT NOT NULL,
  run_id INTEGER NOT NULL,
  opened_at INTEGER NOT NULL,
  PRIMARY KEY (collection_id, scope)
) STRICT;

CREATE TABLE run_counts (
  run_id INTEGER NOT NULL,
  model TEXT NOT NULL,
  added INTEGER NOT NULL DEFAULT 0,
  updated INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  unchanged INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, model)
) STRICT;

CREATE TABLE webhook_settings (
  environment_id INTEGER PRIMARY KEY REFERENCES environments (id),
  primary_url TEXT,
  secondary_url TEXT,
  on_sync_completion_always INTEGER NOT NULL,
  on_sync_error INTEGER NOT NULL,
  on_auth_creation INTEGER NOT NULL,
  on_auth_refresh_error INTEGER NOT NULL,
  on_async_action_completion INTEGER NOT NULL,
  on_connection_deletion INTEGER NOT NULL,
  disabled_urls TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE webhook_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  lane TEXT NOT NULL,
  type TEXT NOT NULL,
  connection TEXT,
  integration TEXT,
  url TEXT NOT NULL,
  headers TEXT NOT NULL,
  body TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER,
  last_status INTEGER,
  last_error TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (lane, id) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_environment ON webhook_deliveries (environment_id, id);
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE webhook_attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  delivery_id INTEGER NOT NULL REFERENCES webhook_deliveries (id),
  at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  status INTEGER,
  error TEXT
) STRICT;
CREATE INDEX webhook_attempts_by_delivery ON webhook_attempts (delivery_id, id);

CREATE TABLE async_actions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  connection_row INTEGER NOT NULL REFERENCES connections (id),
  connection TEXT NOT NULL,
  integration TEXT NOT NULL,
  action TEXT NOT NULL,
  input TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  max_retries INTEGER NOT NULL,
  output TEXT,
  error TEXT,
  created_at INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX async_actions_waiting ON async_actions (environment_id, seq) WHERE state IN ('waiting', 'running');
CREATE INDEX async_actions_finished ON async_actions (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE webhook_inbox (
  id TEXT PRIMARY KEY,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  integration_id INTEGER NOT NULL REFERENCES integrations (id),
  integration TEXT NOT NULL,
  state TEXT NOT NULL,
  types TEXT NOT NULL,
  connections TEXT NOT NULL,
  error TEXT,
  envelope TEXT NOT NULL,
  body BLOB NOT NULL,
  replays INTEGER NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_inbox_by_environment ON webhook_inbox (environment_id, id);
CREATE INDEX webhook_inbox_refused ON webhook_inbox (integration_id, id) WHERE state = 'refused';
CREATE INDEX webhook_inbox_by_time ON webhook_inbox (received_at);
