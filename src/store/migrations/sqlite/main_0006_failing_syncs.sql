ALTER TABLE syncs ADD COLUMN failed_operation TEXT;

CREATE INDEX syncs_failing ON syncs (environment_id, connection_id) WHERE failed_operation IS NOT NULL;
