-- On how many of these devices the answer is old, as it was counted last.
ALTER TABLE missing_counts ADD COLUMN old_answers INTEGER NOT NULL DEFAULT 0;
