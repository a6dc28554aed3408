# What the agent starts by itself.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg) policy;
  window = import ./window.nix;
  isPolicy = text: text == "off" || text == "on" || window.isWindow text;
  automatic = types.addCheck types.str isPolicy // {
    description = ''"off", "on" or a window such as "${window.example}"'';
    descriptionClass = "conjunction";
  };
  # The programs write a window as { "window": … }.
  inFile =
    text:
    if text == "off" || text == "on" then
      text
    else
      {
        window = text;
      };
  # Each of the three forms is one value: a window and an "off" from elsewhere are not merged.
  policyOption =
    description:
    mkOption {
      type = automatic;
      default = "off";
      example = window.example;
      description = description + ''
        `"off"`, `"on"`, or a window in the host's local time, in which it may begin: `[DAYS ]HH:MM-HH:MM`, with
        names of days (`Mon` to `Sun`), ranges (`Mon..Fri`), or several of those with commas (`Sat,Sun`).
      '';
    };
in
{
  options.services.nixfleet.policy = {
    pull = policyOption "Whether the agent pulls new commits by itself. ";
    switch = policyOption "Whether the agent deploys pulled commits by itself. ";

    testAfterSwitch = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the agent runs the host's tests after each deployment, whoever started it.";
    };

    rollbackWhenTestsFail = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the agent goes back to the previous generation when the tests fail after a switch, once per commit.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.nixfleet.settings.agent.policy = {
      pull = lib.mkDefault (inFile policy.pull);
      switch = lib.mkDefault (inFile policy.switch);
      test_after_switch = lib.mkDefault policy.testAfterSwitch;
      rollback_when_tests_fail = lib.mkDefault policy.rollbackWhenTestsFail;
    };

    assertions = [
      {
        assertion = policy.rollbackWhenTestsFail -> policy.testAfterSwitch && cfg.tests.enable;
        message = "services.nixfleet.policy.rollbackWhenTestsFail never comes to anything, because no tests run after a switch: set services.nixfleet.policy.testAfterSwitch and services.nixfleet.tests.enable, or leave it out.";
      }
    ];

    warnings =
      lib.optional (policy.switch != "off" && policy.pull == "off")
        ''services.nixfleet.policy.switch deploys what was pulled, and nothing pulls by itself: set services.nixfleet.policy.pull = "on", or pull by hand (nixfleet pull).'';
  };
}
