# How the remote is reached: secrets by file, through systemd's credentials, so that only the units that need them can
# read them, whatever the permissions of the files are.
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
  url = import ./url.nix;
  secrets = {
    inherit (repository) tokenFile sshKeyFile;
  };
  inStore = import ./in-store.nix { inherit lib; };
  # The names that the agent and the pull look for in $CREDENTIALS_DIRECTORY.
  credentials =
    lib.optional (repository.tokenFile != null) "token:${toString repository.tokenFile}"
    ++ lib.optional (repository.sshKeyFile != null) "ssh-key:${toString repository.sshKeyFile}";
  knownHosts =
    if repository.knownHosts != null then
      pkgs.writeText "nixfleet-known-hosts" (lib.removeSuffix "\n" repository.knownHosts + "\n")
    else
      repository.knownHostsFile;
  knowsHosts = knownHosts != null || config.programs.ssh.knownHosts != { };
  isKnown = repository.url != null;
in
{
  options.services.nixfleet.repository = {
    tokenFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = "/run/secrets/fleet-token";
      description = "A file with the token or password for https. Root reads it; never a file in the store.";
    };

    username = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "x-access-token";
      description = "The user's name that goes with the token, where the forge asks for one.";
    };

    sshKeyFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = "/run/secrets/fleet-deploy-key";
      description = "A file with the private key for ssh, a deploy key that may read. Root reads it; never a file in the store.";
    };

    knownHosts = mkOption {
      type = types.nullOr types.lines;
      default = null;
      example = "github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
      description = ''
        The ssh host keys that are trusted for this repository, in the format of `known_hosts`. Null: those that OpenSSH
        knows, see {option}`programs.ssh.knownHosts`.
      '';
    };

    knownHostsFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = "/etc/nixfleet/known_hosts";
      description = "The same as a file that all can read.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.nixfleet.settings.repository = {
      username = lib.mkDefault repository.username;
      known_hosts_file = lib.mkDefault (if knownHosts == null then null else "${knownHosts}");
    };

    systemd.services = lib.mkIf (credentials != [ ]) {
      nixfleet-agent.serviceConfig.LoadCredential = credentials;
      nixfleet-pull.serviceConfig.LoadCredential = credentials;
    };

    assertions =
      lib.mapAttrsToList (name: file: {
        assertion = !inStore file;
        message = ''services.nixfleet.repository.${name} is ${toString file}: everybody can read the store, so the secret in it is none any more. Replace the secret, and name a file outside of the store as a text, such as "/run/secrets/fleet".'';
      }) secrets
      ++ [
        {
          assertion = repository.knownHosts == null || repository.knownHostsFile == null;
          message = "services.nixfleet.repository.knownHosts and services.nixfleet.repository.knownHostsFile are both set: keep one of them.";
        }
        {
          assertion = repository.username == null || repository.tokenFile != null;
          message = "services.nixfleet.repository.username is set without the token that goes with it: set services.nixfleet.repository.tokenFile, or for ssh write the user into the address, as in git@example.org:fleet.git.";
        }
      ];

    warnings =
      lib.optional (isKnown && repository.tokenFile != null && !url.isHttp repository.url)
        "services.nixfleet.repository.tokenFile is not used: services.nixfleet.repository.url is not an https address. For ssh set services.nixfleet.repository.sshKeyFile."
      ++ lib.optional (
        isKnown && repository.tokenFile != null && url.scheme repository.url == "http"
      ) "services.nixfleet.repository.url sends the token unencrypted: use https."
      ++
        lib.optional (isKnown && repository.sshKeyFile != null && !url.isSsh repository.url)
          "services.nixfleet.repository.sshKeyFile is not used: services.nixfleet.repository.url is not an ssh address. For https set services.nixfleet.repository.tokenFile."
      ++
        lib.optional (isKnown && url.isSsh repository.url && !knowsHosts)
          "No ssh host key is known, so the first look at ${repository.url} fails: set services.nixfleet.repository.knownHosts (ssh-keyscan shows the keys; compare them with those that the forge publishes), or programs.ssh.knownHosts.";
  };
}
