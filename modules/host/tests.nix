# The host's own tests.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg) tests;
in
{
  options.services.nixfleet.tests = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether this host has tests.";
    };

    directory = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "tests/web";
      description = ''
        The tests' directory in the repository: executables, run in name order. Exit code 0 passes, 77 skips, anything else
        fails. Null: `hosts/HOST/tests`.
      '';
    };

    user = mkOption {
      type = types.nullOr (types.strMatching "[a-zA-Z0-9_][a-zA-Z0-9_.-]*");
      default = null;
      example = "tester";
      description = ''
        The user that the tests run as. Null: `nixfleet-test`, a user that owns nothing. They may read what this user may read,
        and change nothing outside of a directory of their own; give this user groups with
        {option}`users.users.NAME.extraGroups`, and the tests programs with {option}`systemd.services.nixfleet-test.path`.
        As `root` or `nixfleet` they decide what happens on this host: then only tests of the commit that runs are run.
      '';
    };

    timeout = mkOption {
      type = types.ints.positive;
      default = 120;
      description = "A test that takes longer, in seconds, is ended with all its children, and has failed.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.nixfleet.settings.tests = {
      enable = lib.mkDefault tests.enable;
      directory = lib.mkDefault tests.directory;
      timeout_seconds = lib.mkDefault tests.timeout;
      user = lib.mkDefault tests.user;
    };

    assertions = [
      {
        assertion =
          tests.directory == null
          || (
            tests.directory != ""
            && !lib.hasPrefix "/" tests.directory
            && !lib.elem ".." (lib.splitString "/" tests.directory)
          );
        message = ''services.nixfleet.tests.directory is ${builtins.toJSON tests.directory}: name a directory inside the repository, relative to its top, such as "hosts/web1/tests".'';
      }
    ];

    warnings =
      lib.optional (tests.user != null && !config.users.users ? ${tests.user})
        "services.nixfleet.tests.user: there is no users.users.${tests.user}. If the user does not come from elsewhere (LDAP), the test run fails and says so.";
  };
}
