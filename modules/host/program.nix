# The switch for everything, the programs, and the configuration file that they read.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  json = pkgs.formats.json { };
  package =
    name:
    pkgs.${name}
      or (throw "services.nixfleet: there is no package ${name}; import nixosModules.default of nixfleet's flake, or apply its overlays.default");
  hostName = config.networking.hostName;
  # What is null has the default of the program, which is the same as being absent.
  content = json.generate "nixfleet-config.json" (
    lib.filterAttrsRecursive (_: value: value != null) cfg.settings
  );
  # One wrong key would stop the agent, pull and switch of a host, and with them the commit that mends it.
  isChecked =
    (cfg.package.passthru.checksConfiguration or false)
    && pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform;
  checked =
    if isChecked then
      pkgs.runCommand "nixfleet-config.json" { } ''
        ${cfg.package}/bin/nixfleet-agent --config ${content} check-config
        cp ${content} $out
      ''
    else
      content;
in
{
  options.services.nixfleet = {
    enable = lib.mkEnableOption "nixfleet, which tells how far this host is from what its configuration repository asks for, and moves it there";

    package = mkOption {
      type = types.package;
      default = package "nixfleet-agent";
      defaultText = lib.literalExpression "pkgs.nixfleet-agent";
      description = "The package with the command `nixfleet`, the agent, and the steps that the units run.";
    };

    host = mkOption {
      type = types.nullOr (types.strMatching "[^/[:cntrl:]]+");
      default = if hostName == "" then null else hostName;
      defaultText = lib.literalExpression "config.networking.hostName";
      example = "web1";
      description = "The host's name in the flake: `nixosConfigurations.NAME`. Null: the name that the kernel has.";
    };

    interval = mkOption {
      type = types.ints.positive;
      default = 300;
      example = 60;
      description = "The agent looks at the remote every so many seconds, give or take a tenth, or up to a fifth sooner where GitHub is asked then. `systemctl reload nixfleet-agent` looks at once.";
    };

    settings = mkOption {
      inherit (json) type;
      default = { };
      example = {
        remote.grace_seconds = 3600;
        agent.heartbeat_deadline_seconds = 600;
      };
      description = ''
        The content of `/etc/nixfleet/config.json`. The other options write into it; what is set here comes before them.
        All keys are in [configuration.md](configuration.md). A key that the programs do not know, or a value that cannot work, ends the build of the system. The file
        can be read by all: never write a secret here.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    services.nixfleet.settings = {
      host = lib.mkDefault cfg.host;
      agent.interval_seconds = lib.mkDefault cfg.interval;
    };

    environment = {
      systemPackages = [ cfg.package ];
      etc."nixfleet/config.json".source = checked;
    };
  };
}
