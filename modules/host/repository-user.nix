# A checkout that belongs to somebody: pull and build run as its owner, never as root. What that changes of the units is in
# modules/units/user-repository, the one source that the tests use, too.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg) repository;
  hasUser = repository.user != null && repository.user != "nixfleet";
  user = config.users.users.${repository.user} or null;
  directory = ../units/user-repository;
  writablePath = import ./unit-path.nix "-" (toString repository.path);
  dropIn =
    file:
    pkgs.writeTextFile {
      name = "nixfleet-${file}";
      text =
        builtins.replaceStrings
          [ "@user@" "-@repository@" ]
          [
            repository.user
            writablePath
          ]
          (builtins.readFile (directory + "/${file}"));
      destination = "/lib/systemd/system/${lib.removeSuffix ".conf" file}.d/user-repository.conf";
    };
  othersMayEnter =
    user:
    lib.elem (lib.substring (lib.stringLength user.homeMode - 1) 1 user.homeMode) [
      "1"
      "3"
      "5"
      "7"
    ];
in
{
  options.services.nixfleet.repository.user = mkOption {
    type = types.nullOr (types.strMatching "[a-zA-Z0-9_][a-zA-Z0-9_.-]*");
    default = null;
    example = "alice";
    description = ''
      The owner of `path`: pull and build run as this user, see [user-repository.md](user-repository.md). Null: `nixfleet`.
    '';
  };

  config = lib.mkIf cfg.enable {
    services.nixfleet.settings.repository.user = lib.mkDefault repository.user;

    systemd = {
      packages = lib.mkIf hasUser (map dropIn (lib.attrNames (builtins.readDir directory)));
      # One of nixfleet's own in another place than the state directory.
      services.nixfleet-pull.serviceConfig.ReadWritePaths = lib.mkIf (
        repository.user == "nixfleet" && repository.path != null
      ) [ writablePath ];
    };

    assertions = [
      {
        assertion = repository.user != "root";
        message = "services.nixfleet.repository.user is root, and root must not evaluate: let an ordinary user own the checkout (chown --recursive), or remove services.nixfleet.repository.path and .user and let nixfleet keep one of its own.";
      }
      {
        assertion = !hasUser || repository.path != null;
        message = "services.nixfleet.repository.user is ${toString repository.user}, but services.nixfleet.repository.path is not set: name this user's checkout, or remove user.";
      }
    ];

    warnings = lib.mkIf (hasUser && repository.user != "root") (
      lib.optional (user == null)
        "services.nixfleet.repository.user: there is no users.users.${repository.user}. If the user does not come from elsewhere (LDAP), pull and switch fail with 217/USER."
      ++
        lib.optional
          (
            user != null
            && lib.hasPrefix "${user.home}/" (toString repository.path)
            && user.isNormalUser
            && !othersMayEnter user
          )
          ''The agent and the exporter cannot get to services.nixfleet.repository.path in ${toString (user.home or null)}, so Git and Lock will be gray: set users.users.${repository.user}.homeMode = "711".''
      ++
        lib.optional (repository.url == null)
          "services.nixfleet.repository.url is not set: the agent reads the address from the checkout, but not what ${repository.user}'s own Git configuration makes of it. Set it."
    );
  };
}
