-- Each key that may have sealed something has a row of its own. The id of the one that was used so far stands in its check value.
INSERT INTO meta (key, value) SELECT 'key:' || substr(value, 4, 12), '' FROM meta WHERE key = 'key_check';
DELETE FROM meta WHERE key = 'key_check';

-- Sealed values stand in columns of their own, where they can be found.
ALTER TABLE environments ADD COLUMN hmac_key TEXT;
ALTER TABLE environments ADD COLUMN otlp_headers TEXT;
UPDATE environments SET
  hmac_key = json_extract(settings, '$.hmac_key'),
  otlp_headers = json_extract(settings, '$.otlp_headers'),
  settings = json_remove(settings, '$.hmac_key', '$.otlp_headers')
WHERE json_extract(settings, '$.hmac_key') IS NOT NULL OR json_extract(settings, '$.otlp_headers') IS NOT NULL;
