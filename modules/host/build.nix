# What evaluation and build of a switch may take from the host.
#
# Two places: nixfleet-switch.service evaluates and then activates; what is built is built by the daemon of Nix.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg) build;
  resources = types.attrsOf (
    types.oneOf [
      types.str
      types.ints.unsigned
      types.bool
    ]
  );
  # These end what goes over them, and the activation runs in the same unit.
  deadly = [
    "MemoryMax"
    "MemorySwapMax"
    "TasksMax"
    "RuntimeMaxSec"
    "LimitAS"
    "LimitCPU"
    "LimitNPROC"
  ];
  refused = lib.filter (name: build.resources ? ${name}) deadly;
  nixConfig =
    lib.optional (build.maxJobs != null) "max-jobs = ${toString build.maxJobs}"
    ++ lib.optional (build.cores != null) "cores = ${toString build.cores}";
in
{
  options.services.nixfleet.build = {
    maxJobs = mkOption {
      type = types.nullOr types.ints.unsigned;
      default = null;
      example = 1;
      description = "How many derivations Nix builds at once for a switch; 0 builds on other machines only. Null: as Nix is configured.";
    };

    cores = mkOption {
      type = types.nullOr types.ints.unsigned;
      default = null;
      example = 2;
      description = "How many cores each build of a switch is told to use. Null: as Nix is configured.";
    };

    resources = mkOption {
      type = resources;
      default = { };
      example = {
        CPUWeight = 20;
        IOWeight = 20;
        MemoryHigh = "2G";
      };
      description = ''
        Limits of {manpage}`systemd.resource-control(5)` and {manpage}`systemd.exec(5)` for `nixfleet-switch.service`:
        the evaluation, and the activation after it. Weights, quotas and `MemoryHigh` slow down; limits that kill are
        refused, because they could end an activation half-way.
      '';
    };

    daemonResources = mkOption {
      type = resources;
      default = { };
      example = {
        CPUQuota = "200%";
        MemoryMax = "8G";
      };
      description = "The same as `build.resources` for `nix-daemon.service`, where the builds run, those of other users too.";
    };
  };

  config = lib.mkIf cfg.enable {
    systemd.services = {
      nixfleet-switch = {
        serviceConfig = build.resources;
        environment = lib.mkIf (nixConfig != [ ]) { NIX_CONFIG = lib.concatStringsSep "\n" nixConfig; };
      };
      nix-daemon = lib.mkIf (build.daemonResources != { }) { serviceConfig = build.daemonResources; };
    };

    assertions = [
      {
        assertion = refused == [ ];
        message = "services.nixfleet.build.resources has ${lib.concatStringsSep ", " refused}, which could kill an activation half-way: use MemoryHigh, CPUWeight, CPUQuota or IOWeight there, and put what may kill a build into services.nixfleet.build.daemonResources.";
      }
    ];
  };
}
