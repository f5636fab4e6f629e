-- The answer for every application that a device has. 'group_devices' stands on one row for all
-- versions of an application that have the same state, and is 0 on the others.
CREATE TABLE applications (
    software BIGINT NOT NULL PRIMARY KEY REFERENCES software (id),
    state TEXT NOT NULL,
    package TEXT NOT NULL,
    why TEXT NOT NULL,
    name_key TEXT NOT NULL,
    devices BIGINT NOT NULL,
    group_devices BIGINT NOT NULL
);
CREATE INDEX applications_by_state ON applications (state, group_devices DESC, software)
    WHERE group_devices > 0;
CREATE INDEX applications_by_devices ON applications (group_devices DESC, software)
    WHERE group_devices > 0;
