# How the remote is reached.
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
  secretFile = import ./secret-file.nix { inherit lib; };
  token = secretFile.credential "token" repository.tokenFile;
  sshKey = secretFile.credential "ssh-key" repository.sshKeyFile;
  # An agent that looks through GitHub's API connects to nothing by ssh, and takes this token where it has none for GitHub.
  forAgent =
    if cfg.github.asRemote then lib.optionals (cfg.github.tokenFile == null) token else token ++ sshKey;
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
    tokenFile = secretFile.option {
      example = "/run/secrets/fleet-token";
      content = "the token or password for https";
    };

    username = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "x-access-token";
      description = "The user's name that goes with the token, where the forge asks for one.";
    };

    sshKeyFile = secretFile.option {
      example = "/run/secrets/fleet-deploy-key";
      content = "the private key for ssh, a deploy key that may read";
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

    systemd.services = lib.mkIf (token ++ sshKey != [ ]) {
      nixfleet-agent.serviceConfig.LoadCredential = lib.mkIf (forAgent != [ ]) forAgent;
      nixfleet-pull.serviceConfig.LoadCredential = token ++ sshKey;
    };

    assertions = [
      (secretFile.assertion "repository.tokenFile" repository.tokenFile)
      (secretFile.assertion "repository.sshKeyFile" repository.sshKeyFile)
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
