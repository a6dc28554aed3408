//! A network of machines and this host: a bridge in a network namespace of its own.
//!
//! On this host it adds one interface, and with its address the route to that one small network; no other route,
//! no forwarding. The machines reach each other and this host, and nothing beyond.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use super::Machine;
use super::command::{Output, output_within};
use super::supervisor::Supervisor;

const LIMIT: Duration = Duration::from_mins(2);

/// Gone when dropped, on all sides.
#[derive(Debug)]
pub struct Network {
    /// Keeps the namespace: with its last process all interfaces in it go, and their other ends.
    holder: Supervisor,
    number: u8,
    machines: Vec<String>,
}

impl Network {
    /// Connect these machines with each other and with this host. They know each other by name (`/etc/hosts`).
    pub fn connect(machines: &[&Machine]) -> Self {
        let holder = Supervisor::start(
            &["--net"],
            "ip link set lo up && ip link add fleet type bridge && ip link set fleet up && echo ready && read -r end",
            &[],
        );
        holder.answer("ready", std::path::Path::new("/dev/null"));
        let number = connect_this_host(holder.id());
        let names = machines.iter().map(|machine| machine.name().to_owned()).collect();
        let network = Self { number, machines: names, holder };
        for machine in machines {
            network.add(machine);
        }
        network
    }

    /// The address of a machine.
    pub fn address(&self, name: &str) -> Ipv4Addr {
        let place = self.machines.iter().position(|machine| machine == name);
        self.numbered(place.unwrap_or_else(|| panic!("{name} is not in this network")) + 2)
    }

    /// The address of this host, as the machines reach it.
    pub fn test_side(&self) -> Ipv4Addr {
        self.numbered(1)
    }

    fn add(&self, machine: &Machine) {
        let (holder, inside) = (self.holder.id(), machine.network_process());
        let address = self.address(machine.name());
        let port = format!("port{}", address.octets()[3]);
        ip_in(holder, &format!("link add {port} type veth peer name eth0 netns {inside}"));
        ip_in(holder, &format!("link set {port} master fleet up"));
        ip_in(inside, &format!("address add {address}/24 dev eth0"));
        ip_in(inside, "link set eth0 up");
        let mut hosts = format!("127.0.0.1 localhost\n{} test\n", self.test_side());
        for name in &self.machines {
            writeln!(hosts, "{} {name}", self.address(name)).unwrap();
        }
        machine.write("/etc/hosts", hosts);
    }

    fn numbered(&self, last: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.number, u8::try_from(last).unwrap())
    }
}

/// Take the first number that nobody on this host uses: its interface can be made by one only.
fn connect_this_host(holder: u32) -> u8 {
    for number in 0..=u8::MAX {
        let network = format!("10.213.{number}.0/24");
        if !ip(&["-4", "route", "show", "to", "root", &network]).stdout.trim().is_empty() {
            continue;
        }
        let interface = format!("nixfleet-{number}");
        let holder_id = holder.to_string();
        let made = ip(&["link", "add", &interface, "type", "veth", "peer", "name", "outside", "netns", &holder_id]);
        if made.stderr.contains("File exists") {
            continue;
        }
        assert!(made.success(), "{}", made.stderr);
        ip_in(holder, "link set outside master fleet up");
        let address = format!("10.213.{number}.1/24");
        for arguments in [&["address", "add", &address, "dev", &interface][..], &["link", "set", &interface, "up"]] {
            let done = ip(arguments);
            assert!(done.success(), "{arguments:?}: {}", done.stderr);
        }
        return number;
    }
    panic!("all networks 10.213.0.0/24 to 10.213.255.0/24 are in use on this host");
}

fn ip(arguments: &[&str]) -> Output {
    let mut command = Command::new("ip");
    command.args(arguments);
    output_within(command, LIMIT)
}

fn ip_in(process: u32, arguments: &str) {
    let mut command = Command::new("nsenter");
    command.args(["--target", &process.to_string(), "--net", "ip"]).args(arguments.split(' '));
    let done = output_within(command, LIMIT);
    assert!(done.success(), "ip {arguments}: {}", done.stderr);
}
