# A checkout that belongs to somebody: pull and build run as its owner, never as root.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg) repository;
  stateDirectory = "/var/lib/nixfleet";
  hasUser = repository.user != null && repository.user != "nixfleet";
  # The directories of nixfleet stay nixfleet's: systemd would give those that a unit names to the unit's user.
  asOwner = {
    User = repository.user;
    Group = "";
    SupplementaryGroups = "nixfleet";
    StateDirectory = "";
    ReadWritePaths = [ stateDirectory ];
  };
in
{
  options.services.nixfleet.repository.user = mkOption {
    type = types.nullOr types.str;
    default = null;
    example = "alice";
    description = "The owner of `path`: pull and build run as this user. Null: `nixfleet`.";
  };

  config = lib.mkIf cfg.enable {
    services.nixfleet.settings.repository.user = lib.mkDefault repository.user;

    systemd.services = lib.mkIf hasUser {
      nixfleet-pull.serviceConfig = asOwner // {
        RuntimeDirectory = "";
        ReadWritePaths = [
          stateDirectory
          "/run/nixfleet"
          (toString repository.path)
        ];
      };
      nixfleet-switch = {
        serviceConfig = asOwner // {
          # A cache of this user's own: that of nixfleet belongs to nixfleet.
          CacheDirectory = [
            ""
            "nixfleet-${repository.user}"
          ];
        };
        environment = {
          XDG_CACHE_HOME = "%C/nixfleet-${repository.user}";
          HOME = "%C/nixfleet-${repository.user}";
        };
      };
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

    warnings =
      lib.optional (hasUser && repository.user != "root" && !config.users.users ? ${repository.user})
        "services.nixfleet.repository.user: there is no users.users.${repository.user}. If the user does not come from elsewhere (LDAP), pull and switch fail with 217/USER.";
  };
}
