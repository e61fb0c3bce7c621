//! Registers as `rust-service` with eureka-client and calls another by its application's name. Answers `call` and
//! `stop` of its standard input with one JSON line each; run by clients.py. The crate reads the whole registry at its
//! start and every 30 s, and refuses a list in which one instance lacks a text, so it has a registry of its own.

use eureka_client::{BaseConfig, EurekaClient, Method, PortData, StatusType};
use serde_json::json;
use std::io::{BufRead, Read, Write};
use std::net::TcpListener;
use std::thread::{sleep, spawn};
use std::time::Duration;

fn serve(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    for peer in listener.incoming().flatten() {
        let mut peer = peer;
        spawn(move || {
            let mut head = [0; 4096];
            let _ = peer.read(&mut head);
            let body = "hello from rust";
            let _ = write!(
                peer,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                body.len(),
                body
            );
        });
    }
}

fn config_of(registry: u16, own: u16, registers: bool) -> BaseConfig {
    let mut config = BaseConfig::default();
    config.eureka.host = "127.0.0.1".into();
    config.eureka.port = registry;
    config.eureka.register_with_eureka = registers;
    config.instance.app = "RUST-SERVICE".into();
    config.instance.host_name = "127.0.0.1".into();
    config.instance.vip_address = "rust-service".into();
    config.instance.secure_vip_address = "rust-service".into();
    config.instance.port = Some(PortData::new(own, true));
    config.instance.status = StatusType::Up;
    config
}

fn call(registry: u16, app: &str) -> serde_json::Value {
    let client = EurekaClient::new(config_of(registry, 0, false));
    client.start();
    for _ in 0..50 {
        sleep(Duration::from_millis(100));
        let answer = client.make_request(app, "/", Method::GET, &json!({}), Default::default());
        match answer {
            Ok(mut answer) => return json!({ "text": answer.text().unwrap_or_default() }),
            Err(error) => eprintln!("{:?}", error),
        }
    }
    json!({ "error": "nobody" })
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let port = |at: usize| arguments[at].parse::<u16>().expect("a port");
    let (registry, own, app) = (port(1), port(2), arguments[3].clone());
    spawn(move || serve(own));
    let client = EurekaClient::new(config_of(registry, own, true));
    client.start();
    println!("{}", json!({ "started": true }));
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match line.as_str() {
            "call" => println!("{}", call(registry, &app)),
            "stop" => {
                drop(client);
                println!("{}", json!({ "stopped": true }));
                return;
            }
            _ => println!("{}", json!({ "error": "unknown" })),
        }
    }
}
