-- Applications of an inventory that do not count any more, as only users have them whose hives were not read
-- for long, and when the next ones will be such. NULL: none.
ALTER TABLE inventories ADD COLUMN unseen BYTEA;
ALTER TABLE inventories ADD COLUMN unseen_due BIGINT;
CREATE INDEX inventories_by_unseen_due ON inventories (unseen_due);
-- Of what is stored already a look at each says it.
UPDATE inventories SET unseen_due = 0 WHERE carried LIKE '%"part":"user"%';
