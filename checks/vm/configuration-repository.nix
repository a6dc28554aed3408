# A configuration repository for a VM test: the host builds and activates what is committed to it, without a network.
#
# The host's configuration is the one that the test's node has, so that the VM stays reachable after a switch, plus what
# the commit's change.nix says.
{
  nixpkgs,
  self,
  pkgs,
}:
let
  packages = import ../../modules/packages {
    inherit pkgs;
    revision = "";
  };
  # What the node needs, to build any later commit offline: sources, and all that its own system was built with.
  node = {
    system = {
      includeBuildDependencies = true;
      extraDependencies = [
        nixpkgs.outPath
        self.outPath
      ];
    };
    virtualisation = {
      cores = 2;
      memorySize = 4096;
      diskSize = 8192;
    };
    # As the flake makes them from a path, which has no commit: else a switch would compile them once more.
    services.nixfleet = {
      package = packages.nixfleet-agent;
      exporter.package = packages.nixfleet-exporter;
    };
  };

  # The files of the first commit. `host` is the name in the flake, `module` the file with the node's configuration, and
  # `network` what the test gives the node as addresses.
  files =
    {
      host,
      module,
      network,
    }:
    pkgs.runCommand "configuration-repository"
      {
        flake = ''
          {
            inputs.nixpkgs.url = "path:${nixpkgs}";
            inputs.nixfleet.url = "path:${self}";
            inputs.nixfleet.inputs.nixpkgs.follows = "nixpkgs";
            outputs = { self, nixpkgs, nixfleet }: {
              nixosConfigurations.${host} = nixpkgs.lib.nixosSystem {
                specialArgs = { inherit self; };
                modules = [
                  nixfleet.nixosModules.default
                  (nixpkgs + "/nixos/modules/virtualisation/qemu-vm.nix")
                  (nixpkgs + "/nixos/modules/testing/test-instrumentation.nix")
                  (nixpkgs.lib.modules.importJSON ./network.json)
                  ./host.nix
                  ./change.nix
                  { nixpkgs.hostPlatform = "${pkgs.stdenv.hostPlatform.system}"; }
                ];
              };
            };
          }
        '';
        network = builtins.toJSON network;
        passAsFile = [
          "flake"
          "network"
        ];
      }
      ''
        mkdir --parents $out/hosts/${host}/tests
        cp "$flakePath" $out/flake.nix
        cp "$networkPath" $out/network.json
        cp ${module} $out/host.nix
        echo '{ }' >$out/change.nix
        printf '#!/bin/sh\nexec systemctl is-active nixfleet-agent\n' >$out/hosts/${host}/tests/agent-runs
        chmod +x $out/hosts/${host}/tests/agent-runs
      '';

  # In the test script: makes the bare repository /srv/fleet.git on the machine, and a function that commits to it.
  functions = ''
    def make_repository(machine, files):
        machine.succeed(
            "git config --global user.name test",
            "git config --global user.email test@example.org",
            "git config --global init.defaultBranch main",
            "git config --global --add safe.directory '*'",
            "git init --bare /srv/fleet.git",
            f"cp --recursive --no-preserve=mode,ownership {files} /root/fleet",
            "chmod +x /root/fleet/hosts/*/tests/*",
            "cd /root/fleet && git init && git add --all && nix flake lock --offline && git add --all",
            "cd /root/fleet && git commit --message first && git remote add origin /srv/fleet.git",
            "cd /root/fleet && git push --set-upstream origin main",
            # Git reads no repository of another user.
            "chown nixfleet: /srv/fleet.git",
        )


    def commit(machine, change, message):
        machine.succeed(
            f"cat >/root/fleet/change.nix <<'END'\n{change}\nEND",
            f"cd /root/fleet && git commit --all --message '{message}' && git push",
        )
        return machine.succeed("git -C /root/fleet rev-parse HEAD").strip()


    def wait_for_state(machine, compartment, state):
        machine.wait_until_succeeds(
            f"nixfleet status --json | jq --exit-status '.compartments.{compartment}.state == \"{state}\"'", timeout=900
        )
  '';
in
{
  # A test of one host, web1, that follows this repository: `script` begins when the agent was asked to look at it.
  test =
    {
      nodes,
      name,
      script,
    }:
    let
      repository = files {
        host = "web1";
        module = ./host.nix;
        network = nodes.web1.system.build.networkConfig;
      };
    in
    {
      inherit name;

      nodes.web1.imports = [
        self.nixosModules.default
        node
        ./host.nix
      ];

      # What the host follows, to look at without booting it.
      passthru.files = repository;

      testScript =
        functions
        + ''
          start_all()
          web1.wait_for_unit("nixfleet-agent.service")
          make_repository(web1, "${repository}")
          web1.succeed("systemctl reload nixfleet-agent")
        ''
        + script;
    };
}
