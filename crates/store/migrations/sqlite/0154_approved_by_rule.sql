-- The rule that made a decision; NULL: a person did.
ALTER TABLE approvals ADD COLUMN rule TEXT;
