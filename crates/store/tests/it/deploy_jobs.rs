//! Deploy jobs.

use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{DeployState, DeployStatus, Ending};
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_store::deploy_jobs::{JobFilter, JobMove, JobProgress, NewJob, NewOrder, Posted};
use fleetmend_store::devices::Having;
use fleetmend_store::{Db, Error, Page, Tx, deploy_jobs, deployments};

use crate::fixture::{T0, add_device, add_job, add_patch, both, job, t};

fn at(status: DeployStatus) -> DeployState {
    DeployState {
        status,
        ending: None,
    }
}

fn ended(status: DeployStatus, ending: Ending) -> DeployState {
    DeployState {
        status,
        ending: Some(ending),
    }
}

async fn go(tx: &mut Tx, id: DeployJobId, from: DeployState, to: DeployState, now: Millis) {
    let change = JobMove::new(from, to, Party::Server, now);
    deploy_jobs::transition(tx, id, &change).await.unwrap();
}

fn order(counter: i64, envelope: &str) -> NewOrder<'_> {
    NewOrder {
        counter,
        envelope,
        until: None,
        next_step: "it goes out",
    }
}

both! {
    async fn a_deployment_makes_one_open_job_a_device_and_patch(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, b) = (add_device(&mut tx, "a").await, add_device(&mut tx, "b").await);
        let x = add_patch(&mut tx, "x").await;
        let first = deployments::insert(&mut tx, x, "anna", "now", T0).await.unwrap();
        let posted =
            deploy_jobs::create_many(&mut tx, first, &[job(a, x), job(a, x)], T0).await.unwrap();
        let [Posted::Created(job_a), Posted::AlreadyOpen(same)] = posted[..] else {
            panic!("{posted:?}")
        };
        assert_eq!(job_a, same);
        let second = deployments::insert(&mut tx, x, "ben", "", t(1)).await.unwrap();
        let posted =
            deploy_jobs::create_many(&mut tx, second, &[job(b, x), job(a, x)], t(1)).await.unwrap();
        let [Posted::Created(job_b), Posted::AlreadyOpen(open)] = posted[..] else {
            panic!("{posted:?}")
        };
        assert_eq!(open, job_a);
        go(&mut tx, job_a, DeployState::NEW, ended(DeployStatus::Posted, Ending::Expired), t(2)).await;
        let again = NewJob { redeploy_of: Some(job_a), ..job(a, x) };
        let posted = deploy_jobs::create_many(&mut tx, second, &[again], t(3)).await.unwrap();
        let [Posted::Created(redeployed)] = posted[..] else { panic!("{posted:?}") };
        assert!(deploy_jobs::create_many(&mut tx, second, &[], T0).await.unwrap().is_empty());
        tx.commit().await.unwrap();

        let stored = deploy_jobs::get(&db, redeployed).await.unwrap().unwrap();
        assert_eq!(stored.redeploy_of, Some(job_a));
        assert_eq!((stored.state, stored.posted_at), (DeployState::NEW, t(3)));
        assert_eq!((stored.deadline_at, stored.finished_at), (t(1000), None));
        let deployment = deployments::get(&db, second).await.unwrap().unwrap();
        assert_eq!((deployment.jobs, deployment.open_jobs), (2, 2));
        assert_eq!(deployments::get(&db, first).await.unwrap().unwrap().open_jobs, 0);
        let listed = deployments::list(&db, &Page::first(1)).await.unwrap();
        assert_eq!(listed.rows[0].id, second);
        let rest = deployments::list(&db, &Page::after(1, listed.next.unwrap())).await.unwrap();
        assert_eq!((rest.rows[0].id, rest.rows[0].note.as_str(), rest.next), (first, "now", None));
        let open = deploy_jobs::open_of_device(&db, b).await.unwrap();
        assert_eq!(open.iter().map(|it| it.id).collect::<Vec<_>>(), [job_b]);
    }

    async fn the_same_job_asked_for_at_once_is_made_once(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, x) = (add_device(&mut tx, "a").await, add_patch(&mut tx, "x").await);
        tx.commit().await.unwrap();
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move {
                    let mut tx = db.begin().await.unwrap();
                    let by = deployments::insert(&mut tx, x, "anna", "", T0).await.unwrap();
                    let posted = deploy_jobs::create_many(&mut tx, by, &[job(a, x)], T0).await;
                    let posted = posted.unwrap()[0];
                    tx.commit().await.unwrap();
                    matches!(posted, Posted::Created(_))
                })
            })
            .collect();
        let mut created = 0;
        for task in tasks {
            created += usize::from(task.await.unwrap());
        }
        assert_eq!(created, 1);
    }

    async fn each_state_of_a_job_is_written_down_with_who_and_why(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, x) = (add_device(&mut tx, "a").await, add_patch(&mut tx, "x").await);
        let id = add_job(&mut tx, a, x).await;
        go(&mut tx, id, DeployState::NEW, at(DeployStatus::Downloaded), t(1)).await;
        let change = JobMove {
            cause: "the digest of setup.exe is wrong".to_owned(),
            next_step: "redeploy".to_owned(),
            output: Some("end of output".to_owned()),
            attempt: Some(2),
            restart_boot: Some("boot".to_owned()),
            reboot_note: Some("Machine rebooted".to_owned()),
            ..JobMove::new(
                at(DeployStatus::Downloaded),
                ended(DeployStatus::Downloaded, Ending::Refused),
                Party::Agent,
                t(2),
            )
        };
        deploy_jobs::transition(&mut tx, id, &change).await.unwrap();
        tx.commit().await.unwrap();
        let stored = deploy_jobs::get(&db, id).await.unwrap().unwrap();
        assert_eq!(stored.state, change.to);
        assert_eq!((stored.cause, stored.next_step), (change.cause.clone(), change.next_step));
        assert_eq!((stored.output.as_str(), stored.attempt), ("end of output", 2));
        assert_eq!(stored.restart_boot.as_deref(), Some("boot"));
        assert_eq!(stored.reboot_note, "Machine rebooted");
        assert_eq!((stored.updated_at, stored.finished_at), (t(2), Some(t(2))));
        let history = deploy_jobs::transitions(&db, id).await.unwrap();
        let shown: Vec<_> =
            history.iter().map(|it| (it.seq, it.state, it.cause.as_str(), it.at, it.by)).collect();
        assert_eq!(
            shown,
            [
                (1, DeployState::NEW, "", T0, Party::User),
                (2, at(DeployStatus::Downloaded), "", t(1), Party::Server),
                (3, change.to, change.cause.as_str(), t(2), Party::Agent),
            ]
        );
    }

    async fn a_job_that_moved_meanwhile_stays_where_it_went(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, x) = (add_device(&mut tx, "a").await, add_patch(&mut tx, "x").await);
        let id = add_job(&mut tx, a, x).await;
        go(&mut tx, id, DeployState::NEW, at(DeployStatus::Downloading), t(1)).await;
        let stale = JobMove::new(DeployState::NEW, at(DeployStatus::Downloaded), Party::Server, t(2));
        let error = deploy_jobs::transition(&mut tx, id, &stale).await.unwrap_err();
        assert!(matches!(error, Error::Moved { id: found, .. } if found == id.0), "{error}");
        let cancelled = ended(DeployStatus::Downloading, Ending::Cancelled);
        go(&mut tx, id, at(DeployStatus::Downloading), cancelled, t(3)).await;
        let after_end =
            JobMove::new(cancelled, at(DeployStatus::Downloaded), Party::Server, t(4));
        deploy_jobs::transition(&mut tx, id, &after_end).await.unwrap_err();
        let error = deploy_jobs::set_order(&mut tx, id, &order(1, "{}"), t(5)).await.unwrap_err();
        assert!(matches!(error, Error::Moved { .. }), "{error}");
        deploy_jobs::set_note(&mut tx, id, "late", "late", t(5)).await.unwrap();
        tx.commit().await.unwrap();
        let stored = deploy_jobs::get(&db, id).await.unwrap().unwrap();
        assert_eq!((stored.state, stored.cause.as_str()), (cancelled, ""));
        assert_eq!(deploy_jobs::transitions(&db, id).await.unwrap().len(), 3);
    }

    async fn of_two_that_take_a_job_at_once_one_gets_it(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, x) = (add_device(&mut tx, "a").await, add_patch(&mut tx, "x").await);
        let id = add_job(&mut tx, a, x).await;
        tx.commit().await.unwrap();
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move {
                    let to = at(DeployStatus::Downloading);
                    let change = JobMove::new(DeployState::NEW, to, Party::Server, t(1));
                    let mut tx = db.begin().await.unwrap();
                    let moved = deploy_jobs::transition(&mut tx, id, &change).await;
                    tx.commit().await.unwrap();
                    moved.is_ok()
                })
            })
            .collect();
        let mut moved = 0;
        for task in tasks {
            moved += usize::from(task.await.unwrap());
        }
        assert_eq!(moved, 1);
        assert_eq!(deploy_jobs::transitions(&db, id).await.unwrap().len(), 2);
    }

    async fn notes_orders_and_attempts_of_an_open_job_are_kept(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, x) = (add_device(&mut tx, "a").await, add_patch(&mut tx, "x").await);
        let id = add_job(&mut tx, a, x).await;
        deploy_jobs::set_note(&mut tx, id, "waits", "third in the queue", t(1)).await.unwrap();
        deploy_jobs::set_order(&mut tx, id, &order(7, "{\"payload\":\"x\"}"), t(1)).await.unwrap();
        deploy_jobs::set_attempt(&mut tx, id, 3, "out", t(2)).await.unwrap();
        let stored = deploy_jobs::get(&mut tx, id).await.unwrap().unwrap();
        assert_eq!((stored.cause.as_str(), stored.next_step.as_str()), ("", "it goes out"));
        assert_eq!(stored.order_counter, Some(7));
        assert_eq!(stored.order_envelope.as_deref(), Some("{\"payload\":\"x\"}"));
        assert_eq!((stored.attempt, stored.output.as_str()), (3, "out"));
        assert_eq!(stored.updated_at, t(2));
    }

    async fn what_becomes_known_of_a_job_that_is_over_is_shown_beside_its_end(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, x) = (add_device(&mut tx, "a").await, add_patch(&mut tx, "x").await);
        let id = add_job(&mut tx, a, x).await;
        let late = async |tx: &mut Tx, attempt, output: Option<&str>, now| {
            let output = output.map(str::to_owned);
            deploy_jobs::set_afterwards(tx, id, "it worked", attempt, output, now).await.unwrap();
            deploy_jobs::get(&mut *tx, id).await.unwrap().unwrap()
        };
        let open = late(&mut tx, Some(2), Some("out"), t(1)).await;
        assert_eq!((open.cause.as_str(), open.attempt), ("", 0), "it is not over");
        let expired = ended(DeployStatus::Posted, Ending::Expired);
        go(&mut tx, id, DeployState::NEW, expired, t(2)).await;
        let over = late(&mut tx, Some(2), Some("out"), t(3)).await;
        assert_eq!((over.state, over.cause.as_str()), (expired, "it worked"));
        assert_eq!((over.attempt, over.output.as_str(), over.updated_at), (2, "out", t(3)));
        let over = late(&mut tx, None, None, t(4)).await;
        assert_eq!((over.attempt, over.output.as_str(), over.updated_at), (2, "out", t(4)));
        assert_eq!(over.finished_at, Some(t(2)));
        assert_eq!(deploy_jobs::transitions(&mut tx, id).await.unwrap().len(), 2);
    }

    async fn a_cancel_can_be_asked_for_while_the_device_may_have_the_job(db: Db) {
        use DeployStatus::{
            AgentDownloaded, AgentDownloading, DeployPosted, Downloaded, Downloading, Posted,
            Started, WaitingForAnother,
        };
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        let path = [
            Posted, Downloading, Downloaded, AgentDownloading, AgentDownloaded, DeployPosted,
            WaitingForAnother, Started,
        ];
        for (length, status) in path.iter().enumerate() {
            let x = add_patch(&mut tx, &format!("p{length}")).await;
            let id = add_job(&mut tx, a, x).await;
            for pair in path[..=length].windows(2) {
                go(&mut tx, id, at(pair[0]), at(pair[1]), t(5)).await;
            }
            let asked = deploy_jobs::ask_cancel(&mut tx, id, "anna", t(6)).await.unwrap();
            let again = deploy_jobs::ask_cancel(&mut tx, id, "ben", t(7)).await.unwrap();
            assert_eq!(asked, again, "who asked first stays");
            let by = asked.and_then(|it| it.cancel_asked).map(|it| (it.by, it.at));
            let is_with_agent = at(*status).is_with_agent();
            assert_eq!(by, is_with_agent.then(|| ("anna".to_owned(), t(6))), "{status:?}");
            let stored = deploy_jobs::get(&mut tx, id).await.unwrap().unwrap();
            assert_eq!(stored.cancel_asked.is_some(), is_with_agent);
            assert_eq!(stored.state, at(*status));
        }
        let gone = deploy_jobs::ask_cancel(&mut tx, DeployJobId(999), "anna", t(6)).await;
        assert_eq!(gone.unwrap(), None);
    }

    async fn an_order_is_sent_until_somebody_asks_to_call_it_off_or_it_ends(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        let (x, y) = (add_patch(&mut tx, "x").await, add_patch(&mut tx, "y").await);
        let (sent, unsent) = (add_job(&mut tx, a, x).await, add_job(&mut tx, a, y).await);
        for id in [sent, unsent] {
            go(&mut tx, id, DeployState::NEW, at(DeployStatus::Downloaded), t(1)).await;
        }
        assert!(deploy_jobs::mark_sent(&mut tx, sent, None, t(2)).await.unwrap());
        assert!(deploy_jobs::mark_sent(&mut tx, sent, None, t(3)).await.unwrap());
        let job = deploy_jobs::ask_cancel(&mut tx, sent, "anna", t(4)).await.unwrap().unwrap();
        assert_eq!(job.order_sent_at, Some(t(2)));
        assert!(!deploy_jobs::mark_sent(&mut tx, sent, None, t(5)).await.unwrap());
        // The cancel came too late; a device that lost its state needs the order to end the job.
        go(&mut tx, sent, at(DeployStatus::Downloaded), at(DeployStatus::Started), t(6)).await;
        assert!(deploy_jobs::mark_sent(&mut tx, sent, None, t(7)).await.unwrap());
        let job = deploy_jobs::ask_cancel(&mut tx, unsent, "anna", t(4)).await.unwrap().unwrap();
        assert_eq!(job.order_sent_at, None);
        let cancelled = ended(DeployStatus::Downloaded, Ending::Cancelled);
        go(&mut tx, unsent, at(DeployStatus::Downloaded), cancelled, t(6)).await;
        assert!(!deploy_jobs::mark_sent(&mut tx, unsent, None, t(7)).await.unwrap());
        assert_eq!(deploy_jobs::ask_cancel(&mut tx, unsent, "anna", t(8)).await.unwrap(), None);
    }

    async fn of_a_cancel_and_a_check_in_at_once_one_sees_the_other(db: Db) {
        for round in 0..8 {
            let mut tx = db.begin().await.unwrap();
            let name = format!("r{round}");
            let (a, x) = (add_device(&mut tx, &name).await, add_patch(&mut tx, &name).await);
            let id = add_job(&mut tx, a, x).await;
            go(&mut tx, id, DeployState::NEW, at(DeployStatus::Downloaded), t(1)).await;
            tx.commit().await.unwrap();
            let send = tokio::spawn({
                let db = db.clone();
                async move {
                    let mut tx = db.begin().await.unwrap();
                    let sent = deploy_jobs::mark_sent(&mut tx, id, None, t(2)).await.unwrap();
                    tx.commit().await.unwrap();
                    sent
                }
            });
            let mut tx = db.begin().await.unwrap();
            let job = deploy_jobs::ask_cancel(&mut tx, id, "anna", t(2)).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            assert_eq!(send.await.unwrap(), job.order_sent_at.is_some());
        }
    }

    async fn the_servers_lists_hold_the_jobs_that_they_are_for(db: Db) {
        use DeployStatus::{
            AgentDownloaded, AgentDownloading, Completed, DeployPosted, Downloaded, Downloading,
            NeedsRestart, Posted, Started,
        };
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        let path = [
            Posted, Downloading, Downloaded, AgentDownloading, AgentDownloaded, DeployPosted,
            Started, NeedsRestart, Completed,
        ];
        let mut jobs = Vec::new();
        for (length, _) in path.iter().enumerate() {
            let x = add_patch(&mut tx, &format!("p{length}")).await;
            let id = add_job(&mut tx, a, x).await;
            for pair in path[..=length].windows(2) {
                go(&mut tx, id, at(pair[0]), at(pair[1]), t(5)).await;
            }
            jobs.push(id);
        }
        tx.commit().await.unwrap();
        let ids = |jobs: Vec<deploy_jobs::DeployJob>| jobs.iter().map(|it| it.id).collect::<Vec<_>>();
        for (index, wanted) in [(0, vec![jobs[0]]), (1, vec![jobs[1]]), (2, vec![]), (4, vec![])] {
            let patch = deploy_jobs::get(&db, jobs[index]).await.unwrap().unwrap().patch;
            assert_eq!(ids(deploy_jobs::needing_files(&db, patch, 10).await.unwrap()), wanted);
        }
        assert_eq!(ids(deploy_jobs::awaiting_restart(&db, [a]).await.unwrap()), [jobs[7]]);
        assert_eq!(ids(deploy_jobs::open_of_device(&db, a).await.unwrap()), jobs[..8]);
        assert!(deploy_jobs::expired(&db, t(999), 10).await.unwrap().is_empty());
        // One that needs a restart has no deadline: the restart is the person's to choose.
        assert_eq!(ids(deploy_jobs::expired(&db, t(1000), 10).await.unwrap()), jobs[..7]);
        let counts = deploy_jobs::count_by_status(&db, T0).await.unwrap();
        assert_eq!(counts.len(), 9);
        assert!(counts.iter().all(|it| it.jobs == 1 && it.ending.is_none()));
        assert!(deploy_jobs::count_by_status(&db, t(1)).await.unwrap().is_empty());
    }

    async fn the_list_filters_and_pages_newest_first(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, b) = (add_device(&mut tx, "Alpha").await, add_device(&mut tx, "beta").await);
        let (x, y) = (add_patch(&mut tx, "x").await, add_patch(&mut tx, "y").await);
        let ax = add_job(&mut tx, a, x).await;
        let ay = add_job(&mut tx, a, y).await;
        let bx = add_job(&mut tx, b, x).await;
        go(&mut tx, ax, DeployState::NEW, at(DeployStatus::NotApplicable), t(1)).await;
        go(&mut tx, ay, DeployState::NEW, ended(DeployStatus::Posted, Ending::Cancelled), t(9)).await;
        tx.commit().await.unwrap();
        let any = JobFilter::default;
        let show = async |filter: JobFilter| {
            let paged = deploy_jobs::list(&db, &filter, &Page::first(10)).await.unwrap();
            paged.rows.iter().map(|it| it.job.id).collect::<Vec<_>>()
        };
        let deployment = deploy_jobs::get(&db, ay).await.unwrap().unwrap().deployment;
        let text = |text: &str| Some(text.to_owned());
        for (name, filter, wanted) in [
            ("all", any(), vec![bx, ay, ax]),
            ("status", JobFilter { status: Some(DeployStatus::Posted), ..any() }, vec![bx, ay]),
            ("ending", JobFilter { ending: Some(Ending::Cancelled), ..any() }, vec![ay]),
            ("host", JobFilter { hostname: text("ALP"), ..any() }, vec![ay, ax]),
            ("title", JobFilter { title: text("X TIT"), ..any() }, vec![bx, ax]),
            ("open", JobFilter { progress: Some(JobProgress::Open), ..any() }, vec![bx]),
            ("over", JobFilter { progress: Some(JobProgress::Finished), ..any() }, vec![ay, ax]),
            ("device", JobFilter { device: Some(b), ..any() }, vec![bx]),
            ("patch", JobFilter { patch: Some(y), ..any() }, vec![ay]),
            ("deployment", JobFilter { deployment: Some(deployment), ..any() }, vec![ay]),
            ("archive", JobFilter { archived: true, ..any() }, vec![]),
        ] {
            assert_eq!(show(filter).await, wanted, "{name}");
        }
        let mut tx = db.begin().await.unwrap();
        assert_eq!(deploy_jobs::archive_finished_before(&mut tx, t(9), &Having::Any, t(50)).await.unwrap(), 1);
        assert_eq!(deploy_jobs::archive_finished_before(&mut tx, t(9), &Having::Any, t(51)).await.unwrap(), 0);
        tx.commit().await.unwrap();
        assert_eq!(show(JobFilter { archived: true, ..any() }).await, [ax]);
        assert_eq!(show(any()).await, [bx, ay]);
        let first = deploy_jobs::list(&db, &any(), &Page::first(1)).await.unwrap();
        let row = &first.rows[0];
        assert_eq!((row.hostname.as_str(), row.title.as_str()), ("beta", "x title"));
        assert_eq!((row.version.as_str(), row.deployed_by.as_str()), ("2.0", "anna"));
        let rest = deploy_jobs::list(&db, &any(), &Page::after(1, first.next.unwrap())).await.unwrap();
        assert_eq!((rest.rows[0].job.id, rest.next), (ay, None));
        assert_eq!(deploy_jobs::listed(&db, bx).await.unwrap().as_ref(), Some(row));
        assert_eq!(deploy_jobs::listed(&db, DeployJobId(999)).await.unwrap(), None);
    }
}
