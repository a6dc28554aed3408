# The packages: the programs, and what a Prometheus and a Grafana without NixOS load from a directory.
{
  pkgs,
  revision,
}:
let
  inherit (pkgs) lib;
  inherit ((lib.importTOML ../../Cargo.toml).workspace.package) version;
  # Everything else could change without a change of the programs.
  source = lib.fileset.toSource {
    root = ../../.;
    fileset = lib.fileset.unions [
      ../../Cargo.toml
      ../../Cargo.lock
      ../../nixfleet-core
      ../../nixfleet-agent
      ../../nixfleet-exporter
      ../../tests
    ];
  };
  meta = {
    homepage = "https://github.com/nixfleet/nixfleet";
    license = lib.licenses.mit;
    platforms = lib.platforms.linux;
  };
  program =
    {
      name,
      mainProgram,
      description,
      attributes ? { },
    }:
    pkgs.rustPlatform.buildRustPackage (
      {
        pname = name;
        inherit version;
        src = source;
        cargoLock.lockFile = ../../Cargo.lock;
        cargoBuildFlags = [
          "--package"
          name
        ];
        # The tests need Prometheus, sshd, git servers and a booted systemd: tests/run-all runs them outside of the build.
        doCheck = false;
        nativeBuildInputs = [ pkgs.installShellFiles ];
        env.NIXFLEET_REVISION = revision;
        meta = meta // {
          inherit description mainProgram;
        };
      }
      // attributes
    );
  files =
    name: description: directory:
    pkgs.runCommand "${name}-${version}"
      {
        meta = meta // {
          inherit description;
        };
      }
      ''
        mkdir $out
        cp ${directory}/* $out/
      '';
in
{
  nixfleet-agent = program {
    name = "nixfleet-agent";
    mainProgram = "nixfleet";
    description = "The nixfleet agent and the command nixfleet";
    # The module asks the program whether the configuration of a host is valid.
    attributes.passthru.checksConfiguration = true;
    # Made by the program itself, so only where it can be run.
    attributes.postInstall = lib.optionalString (pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform) ''
      for shell in bash fish zsh; do
        $out/bin/nixfleet completions $shell >nixfleet.$shell
      done
      installShellCompletion nixfleet.{bash,fish,zsh}
      mkdir man
      $out/bin/nixfleet man-pages man
      installManPage man/*
    '';
  };

  nixfleet-exporter = program {
    name = "nixfleet-exporter";
    mainProgram = "nixfleet-exporter";
    description = "Prometheus metrics of the five compartments of a NixOS host";
  };

  nixfleet-dashboards =
    files "nixfleet-dashboards" "The Grafana dashboards of nixfleet"
      ../monitoring/dashboards;

  nixfleet-rules = files "nixfleet-rules" "The Prometheus rules of nixfleet" ../monitoring/rules;
}
