//! Builds an example host in a directory and says how to look at it, so that nixfleet can be tried without NixOS.

use std::path::Path;
use std::process::ExitCode;

use world::example_flake::UPDATED;
use world::example_host::ExampleHost;
use world::programs::program;

const USAGE: &str = "usage: example-host DIRECTORY\n\nBuilds an example host in DIRECTORY, which must not exist yet.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = match arguments.as_slice() {
        [option] if option == "--help" || option == "-h" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        // A directory with such a name is ./-NAME.
        [directory] if !directory.starts_with('-') && !directory.is_empty() => directory,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let made = std::fs::create_dir(directory).and_then(|()| Path::new(directory).canonicalize());
    let path = match made {
        Ok(path) => path,
        Err(error) => {
            eprintln!("example-host: cannot make {directory}: {error}; name a directory that does not exist yet");
            return ExitCode::FAILURE;
        }
    };
    let mut host = ExampleHost::in_directory(&path);
    host.update_pull_request_opens(UPDATED);
    host.agent_lives();
    let options: Vec<String> = host.options().iter().map(|option| quoted(option)).collect();
    let options = options.join(" ");
    println!("The five compartments of the example host:");
    println!("  {} status {options}", quoted(&program("nixfleet").display().to_string()));
    println!("The same as metrics, at http://127.0.0.1:19931/ until Ctrl-C:");
    let exporter = quoted(&program("nixfleet-exporter").display().to_string());
    println!("  {exporter} {options} --web.listen-address 127.0.0.1:19931");
    println!("No agent runs there: 3 minutes after its last sign of life Agent turns gray.");
    ExitCode::SUCCESS
}

/// As a shell reads it, where it needs quotes.
fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-:=+".contains(character);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
