//! The repository with the configuration of the hosts, in a machine, with the real git and Nix there.

use super::Machine;

/// A flake with `nixosConfigurations` and the toy NixOS as its input `nixpkgs`, itself a git repository.
///
/// ```text
/// flake.nix, flake.lock
/// hosts/NAME/default.nix    the arguments of nixosSystem
/// hosts/NAME/tests/*        executables
/// ```
#[derive(Debug)]
pub struct ConfigurationRepository<'a> {
    machine: &'a Machine,
    owner: String,
    path: String,
    nixpkgs_path: String,
}

impl<'a> ConfigurationRepository<'a> {
    /// Make both repositories, locked, committed and without any host, as files of this user.
    pub fn create(machine: &'a Machine, owner: &str, path: &str, nixpkgs_path: &str) -> Self {
        let url = format!("git+file://{nixpkgs_path}");
        Self::create_with_url(machine, owner, path, nixpkgs_path, &url)
    }

    /// The same, with the input `nixpkgs` fetched from this URL, such as one that other machines reach too.
    pub fn create_with_url(machine: &'a Machine, owner: &str, path: &str, nixpkgs_path: &str, url: &str) -> Self {
        for directory in [path, nixpkgs_path] {
            machine.succeed(&["install", "--directory", "--owner", owner, "--group", owner, directory]);
        }
        let repository =
            Self { machine, owner: owner.to_owned(), path: path.to_owned(), nixpkgs_path: nixpkgs_path.to_owned() };
        machine.succeed_as(owner, &["cp", "--recursive", "/usr/share/toy-nixos/.", nixpkgs_path]);
        for directory in [path, nixpkgs_path] {
            machine.succeed_as(owner, &["git", "init", "--quiet", "--initial-branch=main", directory]);
        }
        repository.commit_in(nixpkgs_path, "a toy NixOS");
        repository.write("flake.nix", &flake(url));
        repository.write("hosts/.keep", "");
        // Nix sees only what git knows.
        repository.git_in(path, &["add", "--all"]);
        repository.update_lock();
        repository.commit("an empty fleet");
        repository
    }

    /// Takes nixpkgs from another URL, such as one that other machines reach, too; committed.
    pub fn take_nixpkgs_from(&self, url: &str) {
        self.write("flake.nix", &flake(url));
        self.update_lock();
        self.commit("nixpkgs from elsewhere");
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Write a host: `arguments` are lines of an attribute set in Nix, see `tests/stand-ins/toy-nixos/system.nix`.
    pub fn set_host(&self, name: &str, arguments: &str) {
        let platform = format!("{}-linux", std::env::consts::ARCH);
        let text = format!(
            "{{ revision, inputs }}:\n{{\n  name = \"{name}\";\n  system = \"{platform}\";\n  inherit revision;\n{arguments}\n}}\n"
        );
        self.write(&format!("hosts/{name}/default.nix"), &text);
    }

    /// Write a test of a host, an executable.
    pub fn set_test(&self, host: &str, test: &str, script: &str) {
        let path = format!("hosts/{host}/tests/{test}");
        self.write(&path, script);
        self.machine.succeed(&["chmod", "755", &format!("{}/{path}", self.path)]);
    }

    /// Write any file; it is of the repository's owner.
    pub fn write(&self, path: &str, content: &str) {
        self.write_in(&self.path, path, content);
    }

    /// Commit everything; the commit.
    pub fn commit(&self, message: &str) -> String {
        self.commit_in(&self.path, message)
    }

    /// Run git in the repository, as its owner.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.path, arguments)
    }

    /// A new commit in nixpkgs, with this release; the commit. A lock has it after `update_lock`.
    pub fn release_nixpkgs(&self, release: &str) -> String {
        self.write_in(&self.nixpkgs_path, "release", &format!("{release}\n"));
        self.commit_in(&self.nixpkgs_path, release)
    }

    /// `nix flake update`; not committed.
    pub fn update_lock(&self) {
        let flake = format!("git+file://{}", self.path);
        // What Nix fetched within the last hour is not the newest.
        self.machine.succeed_as(&self.owner, &["nix", "flake", "update", "--refresh", "--flake", &flake]);
    }

    /// Build a commit's system of a host as the owner, with `nixos-rebuild build`; its store path.
    pub fn build(&self, commit: &str, host: &str) -> String {
        let reference = format!("git+file://{}?rev={commit}#{host}", self.path);
        let script = "cd \"$(mktemp --directory)\" && exec nixos-rebuild build --flake \"$0\"";
        self.machine.succeed_as(&self.owner, &["sh", "-c", script, &reference])
    }

    fn write_in(&self, repository: &str, path: &str, content: &str) {
        let path = format!("{repository}/{path}");
        self.machine.write(&path, content);
        self.machine.succeed(&["chown", "--recursive", &format!("{0}:{0}", self.owner), repository]);
    }

    fn commit_in(&self, repository: &str, message: &str) -> String {
        self.git_in(repository, &["add", "--all"]);
        self.git_in(repository, &["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git_in(repository, &["rev-parse", "HEAD"])
    }

    fn git_in(&self, repository: &str, arguments: &[&str]) -> String {
        let author = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org"];
        let command = [&["git", "-C", repository], &author[..], arguments].concat();
        self.machine.succeed_as(&self.owner, &command)
    }
}

fn flake(nixpkgs_url: &str) -> String {
    format!(
        r#"{{
  inputs.nixpkgs.url = "{nixpkgs_url}";

  outputs =
    inputs@{{ self, nixpkgs, ... }}:
    let
      entries = builtins.readDir ./hosts;
      names = builtins.filter (name: entries.${{name}} == "directory") (builtins.attrNames entries);
      host = name: {{
        inherit name;
        value = nixpkgs.lib.nixosSystem (
          import (./hosts + "/${{name}}") {{
            inherit inputs;
            revision = self.rev or null;
          }}
        );
      }};
    in
    {{
      nixosConfigurations = builtins.listToAttrs (map host names);
    }};
}}
"#
    )
}
