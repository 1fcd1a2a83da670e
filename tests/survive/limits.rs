//! Engines that may not set what a container asks for.

use devctl_tests::sandbox::{Sandbox, skip};
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;

/// The machine's engine at an address behind which nobody can see what it may set. Goes with the test's process.
fn at_a_distance(socket: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(engine) = UnixStream::connect(&socket) else {
                return;
            };
            carry(client, engine);
        }
    });
    format!("tcp://{address}")
}

/// Carries bytes both ways; one that ends its half ends the other's.
fn carry(client: TcpStream, engine: UnixStream) {
    let (mut from_client, mut to_engine) = (client.try_clone().unwrap(), engine.try_clone().unwrap());
    thread::spawn(move || {
        // A side that hangs up ends the connection, and that is all there is to it.
        let _ended = io::copy(&mut from_client, &mut to_engine);
        let _closed = to_engine.shutdown(Shutdown::Write);
    });
    let (mut from_engine, mut to_client) = (engine, client);
    thread::spawn(move || {
        let _ended = io::copy(&mut from_engine, &mut to_client);
        let _closed = to_client.shutdown(Shutdown::Write);
    });
}

#[test]
fn a_container_made_anew_with_lower_limits_is_like_any_other() {
    let Some(near) = Sandbox::new() else { return };
    let address = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let Some(socket) = address.strip_prefix("unix://") else {
        skip(&format!("the engine at {address} is at a distance already"));
        return;
    };
    let image = near.image("path", "ENV PATH=/opt/own/bin:/usr/local/bin:/usr/bin:/bin");
    let home = Sandbox::on(&at_a_distance(socket.to_owned()));
    let folder = home.folder("limits", &format!(r#"{{ "image": "{image}" }}"#));
    let up = home.up(&folder);
    assert_eq!(home.containers_of(&folder), [up.container()]);
    let path = home.ssh(up.host(), "bash -lc 'echo $PATH'");
    assert!(path.starts_with("/opt/own/bin:"), "{path}");
    // Of a container that was taken back nothing is left here either.
    let keys = std::fs::read_dir(home.state().join("hosts")).unwrap();
    let keys: Vec<String> = keys
        .map(|key| key.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(
        keys.iter().all(|key| key.starts_with(up.container())),
        "{keys:?} of {}",
        up.container()
    );
    let _removed = home.run(&["remove", "--yes", up.name()]).expect(0);
}
