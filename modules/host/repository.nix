# The configuration repository: where it is, and what of it is followed.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg) repository;
  url = import ./url.nix;
  stateDirectory = "/var/lib/nixfleet";
  path = toString repository.path;
  isOwn = repository.path == null || lib.hasPrefix "${stateDirectory}/" path;
in
{
  options.services.nixfleet.repository = {
    url = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "https://github.com/example/fleet.git";
      description = ''
        The address of the configuration repository: https, ssh (also `git@example.org:fleet.git`), git or file. Without
        a secret in it, see `tokenFile` and `sshKeyFile`. Null: that of the checkout's own upstream, see `path`.
      '';
    };

    branch = mkOption {
      type = types.nullOr (types.strMatching "[^[:space:][:cntrl:]]+");
      default = null;
      example = "main";
      description = "The branch that is followed. Null: that of the checkout's upstream, else the remote's HEAD.";
    };

    path = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = "/home/alice/fleet";
      description = ''
        A checkout that is there already and belongs to somebody, see `user`. Null: a checkout of nixfleet's own,
        `/var/lib/nixfleet/repo`.
      '';
    };

    allowRewrittenBranch = mkOption {
      type = types.bool;
      default = false;
      description = "Whether a branch that was rewritten on the remote (a forced push) is taken, instead of reported as diverged.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.nixfleet.settings.repository = {
      url = lib.mkDefault repository.url;
      branch = lib.mkDefault repository.branch;
      path = lib.mkDefault (if repository.path == null then null else path);
      allow_rewritten_branch = lib.mkDefault repository.allowRewrittenBranch;
    };

    assertions = [
      {
        assertion = repository.url != null || repository.path != null;
        message = ''services.nixfleet.repository.url is not set: name the repository with this host's configuration, such as services.nixfleet.repository.url = "https://github.com/example/fleet.git", or a checkout of it with services.nixfleet.repository.path and .user.'';
      }
      {
        assertion = isOwn || repository.user != null;
        message =
          if repository.url == null then
            "services.nixfleet.repository.path is ${path}, and nobody says whose it is: set services.nixfleet.repository.user to its owner, who pulls and builds there."
          else
            "services.nixfleet.repository.url and services.nixfleet.repository.path are both set, but not whose checkout ${path} is: remove path to let nixfleet keep a checkout of its own, or set services.nixfleet.repository.user to its owner.";
      }
      {
        assertion = !import ./in-store.nix { inherit lib; } repository.path;
        message = ''services.nixfleet.repository.path is in the store, where nothing can be pulled: write it as a text, such as "/home/alice/fleet", not as a Nix path.'';
      }
      {
        assertion = repository.url == null || !url.hasSecret repository.url;
        message = "services.nixfleet.repository.url has a user or a password in it, and would be readable by all: write ${url.withoutSecret (toString repository.url)}, put the secret into a file, and name that with services.nixfleet.repository.${
          if url.isSsh (toString repository.url) then "sshKeyFile" else "tokenFile (and .username)"
        }.";
      }
      {
        assertion = repository.url == null || repository.url != "";
        message = "services.nixfleet.repository.url is empty: name the repository, or leave the option out and set services.nixfleet.repository.path.";
      }
    ];
  };
}
