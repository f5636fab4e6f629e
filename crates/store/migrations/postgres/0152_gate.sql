-- Who posted a job: a person, a person for any time, or a schedule.
ALTER TABLE deploy_jobs ADD COLUMN occasion TEXT NOT NULL DEFAULT 'asked';
-- When it is looked at next whether its device may have its order; NULL: it has, or the files are not here.
ALTER TABLE deploy_jobs ADD COLUMN look_at BIGINT;
-- From when on its order is of no use, where its window closes before its deadline.
ALTER TABLE deploy_jobs ADD COLUMN order_until BIGINT;
CREATE INDEX deploy_jobs_to_look_at ON deploy_jobs (look_at)
    WHERE finished_at IS NULL AND look_at IS NOT NULL;
CREATE INDEX deploy_jobs_unsent ON deploy_jobs (order_until)
    WHERE finished_at IS NULL AND order_sent_at IS NULL AND order_until IS NOT NULL;
