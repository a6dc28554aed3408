# What a host gets from services.nixfleet, as a directory of files.
{
  lib,
  nixpkgs,
  pkgs,
}:
{ config, options, ... }:
let
  utils = import (nixpkgs + "/nixos/lib/utils.nix") { inherit config lib pkgs; };
  # Of lists that every module of NixOS adds to: what nixfleet adds, without evaluating the rest.
  ofOurModules =
    option:
    lib.concatMap (definition: definition.value) (
      lib.filter (
        definition: lib.hasPrefix (toString ../../modules) (toString definition.file)
      ) option.definitionsWithLocations
    );
  isOurs = name: lib.hasPrefix "nixfleet" name;
  failed = map (assertion: assertion.message) (
    lib.filter (assertion: !assertion.assertion) config.assertions
  );
  # NixOS itself warns about hosts such as these.
  warnings = lib.filter (lib.hasInfix "nixfleet") config.warnings;

  # By the function that makes the units of a whole NixOS.
  units = utils.systemdUtils.lib.generateUnits {
    # Not "system", which adds links for the whole of NixOS to the same files.
    type = "initrd";
    units = lib.filterAttrs (name: _: isOurs name) config.systemd.units;
    upstreamUnits = [ ];
    upstreamWants = [ ];
    packages = lib.filter (package: isOurs (package.name or "")) config.systemd.packages;
  };

  etc = lib.filterAttrs (name: _: lib.hasInfix "nixfleet" name) config.environment.etc;

  inherit (config.services) prometheus grafana;
  summary = {
    inherit failed warnings;
    users = lib.mapAttrs (_: user: { inherit (user) isSystemUser group home; }) (
      lib.filterAttrs (name: _: isOurs name) config.users.users
    );
    groups = lib.filter isOurs (lib.attrNames config.users.groups);
    directories = ofOurModules options.systemd.tmpfiles.rules;
    polkit = config.security.polkit.enable;
    open_ports = config.networking.firewall.allowedTCPPorts;
    revision = config.system.configurationRevision;
    programs = map (package: package.name) (ofOurModules options.environment.systemPackages);
    daemon_limits = lib.getAttrs (lib.filter
      (name: config.systemd.services.nix-daemon.serviceConfig ? ${name})
      [
        "CPUQuota"
        "MemoryMax"
      ]
    ) config.systemd.services.nix-daemon.serviceConfig;
    # Others look at these through the modules of Prometheus and Grafana.
    scrape_jobs = map (job: {
      inherit (job) job_name scrape_interval;
      static_configs = map (one: { inherit (one) targets labels; }) job.static_configs;
    }) prometheus.scrapeConfigs;
    rule_files = map baseNameOf prometheus.ruleFiles;
    dashboards =
      if grafana.provision.dashboards.settings == null then
        [ ]
      else
        map (provider: {
          inherit (provider) name folder type;
          path = baseNameOf provider.options.path;
        }) grafana.provision.dashboards.settings.providers;
  };
in
pkgs.runCommand "host"
  {
    summary = builtins.toJSON summary;
    passAsFile = [ "summary" ];
  }
  ''
    mkdir --parents $out/etc
    cp "$summaryPath" $out/summary.json
    cp --recursive --dereference ${units} $out/units
    ${lib.concatStrings (
      lib.mapAttrsToList (name: file: ''
        mkdir --parents "$(dirname "$out/etc/${name}")"
        cp --dereference ${file.source} "$out/etc/${name}"
      '') etc
    )}
  ''
