-- Whether devices could have the policy as it was. NULL: not known, for it was not kept before; of what a
-- policy is now it is.
ALTER TABLE policy_versions ADD COLUMN enabled BIGINT;
UPDATE policy_versions SET enabled =
    (SELECT p.enabled FROM policies AS p
     WHERE p.id = policy_versions.policy AND p.generation = policy_versions.generation);
