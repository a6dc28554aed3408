# Whether a switch has to be confirmed before it stays.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg) confirm;
in
{
  options.services.nixfleet.confirm = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether a switch has to be confirmed. Where the confirmation does not come in time, the previous system comes
        back by itself: a host that lost its network is not lost.
      '';
    };

    timeout = mkOption {
      type = types.ints.positive;
      default = 180;
      description = "How many seconds after the activation the confirmation has to come.";
    };

    command = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = null;
      example = [
        "/run/current-system/sw/bin/curl"
        "--fail"
        "https://example.org/health"
      ];
      description = "What confirms a switch: a program with its arguments that has to succeed. Null: the agent has to reach the remote.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.nixfleet.settings.confirm = {
      enable = lib.mkDefault confirm.enable;
      timeout_seconds = lib.mkDefault confirm.timeout;
      command = lib.mkDefault confirm.command;
    };

    assertions = [
      {
        assertion = confirm.command != [ ];
        message = "services.nixfleet.confirm.command is an empty list: name a program, or set it to null to let the agent reach the remote.";
      }
    ];

    warnings = lib.optional (
      confirm.command != null && !confirm.enable
    ) "services.nixfleet.confirm.command is never run: set services.nixfleet.confirm.enable = true.";
  };
}
