# The units. Their texts come from modules/units; what the options change becomes drop-ins, and so does what a host sets in
# systemd.services.nixfleet-….
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.nixfleet;
  inherit (cfg.repository) signatures;
  path = [
    config.system.build.nixos-rebuild or pkgs.nixos-rebuild-ng
    config.nix.package
    config.programs.git.package or pkgs.gitMinimal
    # With ssh-keygen, which checks signatures by ssh keys.
    config.programs.ssh.package or pkgs.openssh
  ]
  ++ lib.optional (
    signatures.openpgpKeyringFile != null || signatures.forgeKeyringFile != null
  ) pkgs.gnupg
  ++ [
    # The programs of the running system: for the tests of the host.
    "/run/current-system/sw"
  ];
  # With setpriv, which lets each test run as a user of its own.
  pathOf = name: lib.optional (name == "nixfleet-test") pkgs.util-linux ++ path;
  files = import ./unit-files.nix {
    inherit lib;
    agent = "${cfg.package}/bin/nixfleet-agent";
    exporter = "${cfg.exporter.package}/bin/nixfleet-exporter";
    path = lib.makeBinPath path;
  };
  wanted = lib.filterAttrs (
    name: _:
    (name == "nixfleet-exporter.service" -> cfg.exporter.enable)
    && (name == "nixfleet-exporter.socket" -> cfg.exporter.enable && cfg.exporter.socketActivation)
  ) files;
  package =
    name: text:
    pkgs.writeTextFile {
      # A template has an @, which no store path may have.
      name = lib.strings.sanitizeDerivationName name;
      inherit text;
      destination = "/lib/systemd/system/${name}";
    };
  services = map (lib.removeSuffix ".service") (
    lib.filter (lib.hasSuffix ".service") (lib.attrNames wanted)
  );
  service = name: {
    overrideStrategy = "asDropin";
    path = lib.mkIf (name != "nixfleet-exporter") (pathOf name);
    wantedBy = lib.mkIf (name == "nixfleet-agent") [ "multi-user.target" ];
  };
in
{
  config = lib.mkIf cfg.enable {
    systemd = {
      packages = lib.mapAttrsToList package wanted;
      services = lib.genAttrs services service;
    };
  };
}
