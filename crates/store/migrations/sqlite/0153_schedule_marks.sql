-- Up to when the due times of a policy's schedule were seen to, in each time zone that its devices are in.
CREATE TABLE schedule_marks (
    kind TEXT NOT NULL,
    policy INTEGER NOT NULL,
    zone TEXT NOT NULL,
    schedule TEXT NOT NULL,
    seen_to INTEGER NOT NULL,
    PRIMARY KEY (kind, policy, zone, schedule)
) STRICT, WITHOUT ROWID;
