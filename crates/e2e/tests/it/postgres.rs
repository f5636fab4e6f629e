use fleetmend_e2e::postgres::Postgres;

#[test]
fn a_cluster_answers_and_two_do_not_disturb_each_other() {
    let (one, other) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    assert_ne!(one.url(), other.url());
    assert_eq!(one.query("select 1").unwrap(), "1");
    one.query("create database only_here").unwrap();
    let count = "select count(*) from pg_database where datname = 'only_here'";
    assert_eq!(one.query(count).unwrap(), "1");
    assert_eq!(other.query(count).unwrap(), "0");
    drop(one);
    assert_eq!(other.query("select 1").unwrap(), "1");
}
