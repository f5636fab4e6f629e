-- The hosts that a source may lead to although they are in one's own network (JSON).
ALTER TABLE sources ADD COLUMN private_hosts TEXT NOT NULL DEFAULT '[]';
