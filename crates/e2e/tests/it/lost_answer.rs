//! An agent that dies before it has the answer to its enrolment.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fleetmend_e2e::process::{Running, run, wait_until};
use fleetmend_e2e::work_dir::WorkDir;
use fleetmend_trust::EnrolToken;

use crate::server_process::{Server, program};

const LIMIT: Duration = Duration::from_mins(1);

#[test]
fn an_agent_that_died_before_it_had_its_certificate_enrols_with_the_same_token() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let address = server.url().trim_start_matches("https://").parse().unwrap();
    let token = EnrolToken {
        server_url: format!("https://{}", swallow_second_answer(address)),
        ..EnrolToken::from_text(&server.token().unwrap()).unwrap()
    };
    let data = WorkDir::new("agent").unwrap();
    let mut agent = Running::spawn(&mut enrol(data.path(), &token)).unwrap();
    wait_until("the server has the device", LIMIT, || {
        Ok((console.devices()?.len() == 1).then_some(()))
    })
    .unwrap();
    assert!(agent.is_running().unwrap(), "it waits for the answer");
    agent.crash();

    let output = run(&mut enrol(data.path(), &token), LIMIT).unwrap();
    let said = output.success().unwrap();
    assert!(said.contains("enrolled as device 1 of"), "{said}");
    assert_eq!(console.devices().unwrap().len(), 1);
    // The same token is nothing to another machine.
    let other = WorkDir::new("agent").unwrap();
    let output = run(&mut enrol(other.path(), &token), LIMIT).unwrap();
    assert_ne!(output.code, Some(0));
    assert!(output.stderr.contains("was used before"), "{output:?}");
}

fn enrol(data: &Path, token: &EnrolToken) -> Command {
    let mut agent = Command::new(program("FLEETMEND_AGENT_BIN"));
    agent.args(["enrol", "--data"]).arg(data);
    agent.env("FLEETMEND_TOKEN", token.to_text());
    agent
}

/// An address that leads to the server. Of the second connection, which is the one that the agent
/// asks for its certificate on, only the handshake comes back.
fn swallow_second_answer(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (number, agent) in listener.incoming().flatten().enumerate() {
            let server = TcpStream::connect(server).unwrap();
            let asked = Arc::new(AtomicBool::new(false));
            let (from, to) = (agent.try_clone().unwrap(), server.try_clone().unwrap());
            let has_asked = Arc::clone(&asked);
            // A client speaks once before the server does, and again when the handshake is over.
            let mut turns = 0;
            thread::spawn(move || {
                pass(from, to, || {
                    turns += 1;
                    has_asked.store(turns > 1, Ordering::SeqCst);
                    true
                });
            });
            thread::spawn(move || {
                pass(server, agent, || {
                    number != 1 || !asked.load(Ordering::SeqCst)
                });
            });
        }
    });
    address
}

/// Passes bytes on until one side ends; those for which `is_passed` is false are thrown away.
fn pass(mut from: TcpStream, mut to: TcpStream, mut is_passed: impl FnMut() -> bool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if is_passed() && to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
