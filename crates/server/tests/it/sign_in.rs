//! Signing in and out, lockout, and the first password.

use fleetmend_model::Millis;
use fleetmend_store::{login_failures, sessions, users};
use reqwest::Method;

use crate::empty_pages::PAGES;
use crate::site::{NAME, PASSWORD, Person, Site, form_body, json_body};

/// Now, for rows that the test puts in beside the server.
fn now() -> Millis {
    Millis(jiff::Timestamp::now().as_millisecond())
}

#[tokio::test]
async fn without_a_session_pages_lead_to_the_sign_in_and_the_api_answers_401() {
    let site = Site::start().await;
    for (path, _) in PAGES {
        let page = site.send(Method::GET, path, &[], None).await;
        assert_eq!(page.status, 303, "{path}");
        let path = path
            .replace('?', "%3F")
            .replace('=', "%3D")
            .replace('/', "%2F");
        assert_eq!(page.location, format!("/login?next={path}"));
    }
    for path in [
        "/api/v1/devices",
        "/api/v1/missing",
        "/api/v1/audit",
        "/api/v1/session",
        "/live",
    ] {
        for cookie in ["", "__Host-fleetmend=forged"] {
            let answer = site
                .send(Method::GET, path, &[("cookie", cookie)], None)
                .await;
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(answer.json()["error"]["code"], "unauthenticated", "{path}");
        }
    }
}

#[tokio::test]
async fn a_setup_link_sets_one_password_and_is_then_worthless() {
    let site = Site::start().await;
    let secret = site.setup_secret().await.unwrap();
    for (name, one, two) in [
        (NAME, "short", "short"),
        (NAME, PASSWORD, "another password"),
        ("", PASSWORD, PASSWORD),
        ("a\u{7}b", PASSWORD, PASSWORD),
    ] {
        assert_eq!(
            site.set_up(&secret, name, one, two).await.status,
            400,
            "{name} {one}"
        );
    }
    assert_eq!(
        site.set_up("forged", NAME, PASSWORD, PASSWORD).await.status,
        403
    );
    assert_eq!(
        site.set_up(&secret, NAME, PASSWORD, PASSWORD).await.status,
        303
    );
    assert_eq!(
        site.set_up(&secret, NAME, PASSWORD, PASSWORD).await.status,
        403
    );
    assert!(site.setup_secret().await.is_none());
    assert_eq!(site.log_in(NAME, PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_new_setup_link_ends_the_one_before() {
    let site = Site::start().await;
    let old = site.setup_secret().await.unwrap();
    let new = site.setup_secret().await.unwrap();
    assert_eq!(
        site.set_up(&old, NAME, PASSWORD, PASSWORD).await.status,
        403
    );
    assert_eq!(
        site.set_up(&new, NAME, PASSWORD, PASSWORD).await.status,
        303
    );
}

#[tokio::test]
async fn the_session_cookie_is_kept_from_scripts_other_hosts_and_plain_http() {
    let (site, _) = Site::signed_in().await;
    let answer = site.log_in(NAME, PASSWORD).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-fleetmend="), "{cookie}");
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.split("; ").any(|it| it == attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn only_a_digest_of_the_session_is_stored() {
    let (site, person) = Site::signed_in().await;
    let token = person.cookie.split_once('=').unwrap().1;
    let db = site.db().await;
    assert!(sessions::get(&db, token, now()).await.unwrap().is_none());
    let digest = fleetmend_trust::digest_hex(token.as_bytes());
    assert_eq!(
        sessions::get(&db, &digest, now())
            .await
            .unwrap()
            .unwrap()
            .user_name,
        NAME
    );
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_answered_alike() {
    let (site, _) = Site::signed_in().await;
    let wrong_password = site.log_in("administrator", "wrong").await;
    let wrong_name = site.log_in("administratos", "wrong").await;
    assert_eq!((wrong_password.status, wrong_name.status), (403, 403));
    assert_eq!(
        wrong_password.text.replace("administrator", ""),
        wrong_name.text.replace("administratos", "")
    );
    assert!(wrong_name.cookie.is_none() && wrong_password.cookie.is_none());
}

#[tokio::test]
async fn five_failures_lock_a_name_whether_it_exists_or_not_and_no_other() {
    let (site, _) = Site::signed_in().await;
    for name in [NAME, "nobody"] {
        for _ in 0..5 {
            assert_eq!(site.log_in(name, "wrong").await.status, 403, "{name}");
        }
        for given in ["wrong", PASSWORD] {
            let locked = site.log_in(name, given).await;
            assert_eq!(locked.status, 429, "{name}");
            assert!(locked.cookie.is_none());
        }
    }
    let upper_case = site.log_in("ADMINISTRATOR", PASSWORD).await;
    assert_eq!(upper_case.status, 429, "another spelling is the same name");
    assert_eq!(site.log_in("somebody else", "wrong").await.status, 403);
}

#[tokio::test]
async fn many_failures_from_one_address_lock_the_address() {
    let (site, _) = Site::signed_in().await;
    let db = site.db().await;
    let mut tx = db.begin().await.unwrap();
    for n in 0..20 {
        login_failures::add(&mut tx, &format!("name {n}"), "127.0.0.1", now())
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(site.log_in(NAME, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_lockout_ends_after_its_time_and_a_sign_in_forgets_failures() {
    let (site, _) = Site::signed_in().await;
    let db = site.db().await;
    let mut tx = db.begin().await.unwrap();
    let long_ago = now() - std::time::Duration::from_mins(16);
    for _ in 0..9 {
        login_failures::add(&mut tx, NAME, "127.0.0.1", long_ago)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    for _ in 0..2 {
        for _ in 0..4 {
            assert_eq!(site.log_in(NAME, "wrong").await.status, 403);
        }
        assert_eq!(site.log_in(NAME, PASSWORD).await.status, 303);
    }
}

#[tokio::test]
async fn tries_at_one_time_are_not_more_than_the_limit() {
    let (site, _) = Site::signed_in().await;
    let tries = (0..12).map(|_| site.log_in(NAME, "wrong"));
    let answers = futures_util::future::join_all(tries).await;
    let refused = answers.iter().filter(|it| it.status == 403).count();
    assert_eq!((refused, answers.len() - refused), (5, 7));
}

#[tokio::test]
async fn signing_out_ends_the_session_itself_and_not_only_the_cookie() {
    let (site, person) = Site::signed_in().await;
    let out = person.post(&site, "/logout", &[]).await;
    assert_eq!((out.status, out.location.as_str()), (303, "/login"));
    assert!(
        out.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(person.get(&site, "/api/v1/devices").await.status, 401);
}

#[tokio::test]
async fn a_session_that_is_over_and_one_of_a_disabled_user_open_nothing() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    let user = users::by_name(&db, NAME).await.unwrap().unwrap();
    let mut tx = db.begin().await.unwrap();
    let digest = fleetmend_trust::digest_hex(b"over");
    sessions::insert(&mut tx, &digest, user.id, "word", Millis(1), now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let over = Person {
        cookie: "__Host-fleetmend=over".to_owned(),
        csrf: "word".to_owned(),
    };
    assert_eq!(over.get(&site, "/api/v1/devices").await.status, 401);
    assert_eq!(person.get(&site, "/api/v1/devices").await.status, 200);
    let mut tx = db.begin().await.unwrap();
    users::set_disabled(&mut tx, user.id, true).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(person.get(&site, "/api/v1/devices").await.status, 401);
    assert_eq!(site.log_in(NAME, PASSWORD).await.status, 403);
}

#[tokio::test]
async fn forms_from_another_site_do_not_sign_in_or_set_a_password() {
    let (site, _) = Site::signed_in().await;
    for header in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        for path in ["/login", "/setup"] {
            let form = form_body(&[("name", NAME), ("password", PASSWORD)]);
            let answer = site.send(Method::POST, path, &[header], Some(form)).await;
            assert_eq!(answer.status, 403, "{path} {header:?}");
            assert!(answer.cookie.is_none());
        }
        let json = json_body(&serde_json::json!({"name": NAME, "password": PASSWORD}));
        let answer = site
            .send(Method::POST, "/api/v1/session", &[header], Some(json))
            .await;
        assert_eq!((answer.status, answer.cookie), (403, None));
    }
}

#[tokio::test]
async fn after_the_sign_in_the_browser_goes_only_to_pages_of_this_console() {
    let (site, _) = Site::signed_in().await;
    for (next, target) in [
        ("/missing?title=a", "/missing?title=a"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
    ] {
        let form = form_body(&[("name", NAME), ("password", PASSWORD), ("next", next)]);
        let answer = site.send(Method::POST, "/login", &[], Some(form)).await;
        assert_eq!((answer.status, answer.location.as_str()), (303, target));
    }
}

#[tokio::test]
async fn a_program_signs_in_and_out_by_the_api() {
    let (site, _) = Site::signed_in().await;
    let json = json_body(&serde_json::json!({"name": NAME, "password": PASSWORD}));
    let answer = site
        .send(Method::POST, "/api/v1/session", &[], Some(json))
        .await;
    assert_eq!(answer.status, 204);
    let person = site.person(answer.cookie.unwrap()).await;
    let headers = [
        ("cookie", person.cookie.as_str()),
        ("x-csrf-token", person.csrf.as_str()),
    ];
    let answer = site
        .send(Method::DELETE, "/api/v1/session", &headers, None)
        .await;
    assert_eq!(answer.status, 204);
    assert_eq!(person.get(&site, "/api/v1/session").await.status, 401);
}
