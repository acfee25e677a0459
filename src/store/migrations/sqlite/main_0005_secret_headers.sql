ALTER TABLE webhook_deliveries ADD COLUMN secret_headers TEXT;
