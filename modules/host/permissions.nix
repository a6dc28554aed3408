# Who may do what: the user of the agent, the rule that lets it start and stop the operations, and the user of the tests.
{ config, lib, ... }:
let
  cfg = config.services.nixfleet;
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
      # Not a member of the group nixfleet, whose members decide what root activates.
      users.nixfleet-test = {
        isSystemUser = true;
        description = "nixfleet, tests of this host";
        group = "nixfleet-test";
      };
      groups.nixfleet-test = { };
    };

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
