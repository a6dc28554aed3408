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
      type = types.nullOr types.str;
      default = null;
      example = "tester";
      description = ''
        The user that runs them. Null: `nixfleet`. Tests may read what their user may read, and change nothing; what they
        need beyond that is set in {option}`systemd.services.nixfleet-test.serviceConfig`, programs in
        {option}`systemd.services.nixfleet-test.path`.
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
    };

    # See shared-state.nix.
    systemd.services.nixfleet-test.serviceConfig = lib.mkIf (tests.user != null) {
      User = tests.user;
      Group = "";
      SupplementaryGroups = "nixfleet";
      StateDirectory = "";
      ReadWritePaths = "/var/lib/nixfleet";
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
      {
        assertion = tests.user != "root";
        message = "services.nixfleet.tests.user is root, and what comes from the repository before anybody deployed it must not run as root: name an ordinary user, and give it the groups or capabilities that the tests need in systemd.services.nixfleet-test.serviceConfig.";
      }
    ];

    warnings =
      lib.optional (tests.user != null && tests.user != "root" && !config.users.users ? ${tests.user})
        "services.nixfleet.tests.user: there is no users.users.${tests.user}. If the user does not come from elsewhere (LDAP), the tests fail with 217/USER.";
  };
}
