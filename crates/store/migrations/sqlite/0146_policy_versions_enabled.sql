-- Whether devices could have the policy as it was.
ALTER TABLE policy_versions ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;
