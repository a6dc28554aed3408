# Who may do what: the user of the agent, its directories, and the rule that lets it start and stop the operations.
{ config, lib, ... }:
let
  cfg = config.services.nixfleet;
  isRule = line: line != "" && !lib.hasPrefix "#" line;
in
{
  config = lib.mkIf cfg.enable {
    users = {
      users.nixfleet = {
        isSystemUser = true;
        description = "nixfleet";
        group = "nixfleet";
        home = "/var/lib/nixfleet";
      };
      groups.nixfleet = { };
    };

    systemd.tmpfiles.rules = lib.filter isRule (
      lib.splitString "\n" (builtins.readFile ../system/nixfleet.tmpfiles.conf)
    );

    security.polkit.enable = lib.mkDefault true;
    environment.etc."polkit-1/rules.d/50-nixfleet.rules".source = ../polkit/50-nixfleet.rules;

    assertions = [
      {
        assertion = config.security.polkit.enable;
        message = "services.nixfleet needs polkit, which lets the agent start its operations without being root: remove security.polkit.enable = false, or mkForce it to true.";
      }
    ];
  };
}
