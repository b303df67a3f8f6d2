//! Sends the lines of a file as datagrams, so many per second or as fast as it can, and prints how many it sent.
//!
//! `send_datagrams FILE ADDRESS COUNT RATE_PER_S`; a rate of 0 is as fast as it can.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints its result"
)]

use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// Datagrams sent between two looks at the clock.
const BURST: u64 = 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, address, count, rate] = &arguments[..] else {
        println!("usage: send_datagrams FILE ADDRESS COUNT RATE_PER_S");
        return;
    };
    let (count, rate): (u64, u64) = (count.parse().unwrap(), rate.parse().unwrap());
    let bytes = std::fs::read(file).unwrap();
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).cycle();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(address).unwrap();
    let begun = Instant::now();
    for number in 0..count {
        if rate > 0 && number % BURST == 0 {
            let due = begun + Duration::from_secs_f64(number as f64 / rate as f64);
            #[expect(clippy::disallowed_methods, reason = "datagrams are sent at a pace, which is a time")]
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        socket.send(lines.next().unwrap()).unwrap();
    }
    println!("{count} in {:.3} s", begun.elapsed().as_secs_f64());
}
