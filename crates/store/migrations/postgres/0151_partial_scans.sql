-- Which of the rows of users are whose, and what the last scan did not read with what is kept of it: JSON.
ALTER TABLE inventories ADD COLUMN hives TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE inventories ADD COLUMN carried TEXT COLLATE "C" NOT NULL DEFAULT '[]';
