# Open pull requests on GitHub that update flake.lock, and the branch itself by GitHub's API.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg) github repository;
  url = import ./url.nix;
  secretFile = import ./secret-file.nix { inherit lib; };
  isElsewhere = remote: !(url.isHttp remote || url.isSsh remote);
  # While nothing is new: one for the pull requests, one for the branch.
  requestsPerHour = 3600 / github.interval + (if github.asRemote then 3600 / cfg.interval else 0);
  # The repository's own token serves for both where it is one for https.
  hasToken =
    github.tokenFile != null
    || repository.tokenFile != null && repository.url != null && url.isHttp repository.url;
in
{
  options.services.nixfleet.github = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether GitHub is asked for open pull requests that update `flake.lock`, which turn Lock yellow.";
    };

    asRemote = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the agent looks at the tracked branch through GitHub's API too: its tip, and the `flake.lock` of that commit.
        Nothing is fetched then before a pull, which uses Git all the same, so that `repository.sshKeyFile` is not handed to
        the agent.
      '';
    };

    tokenFile = secretFile.option {
      example = "/run/secrets/github-token";
      content = "a token that may read pull requests and, for `asRemote`, contents";
      more = "Null: GitHub is asked without one, which it answers 60 times an hour, and not at all for a private repository.";
    };

    apiUrl = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "https://github.example.org/api/v3";
      description = "The address of the API. Null: the one that belongs to the remote's address.";
    };

    pullRequestTitle = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "flake.lock: update";
      description = "Only pull requests with this in their title count. Null: any that changes only `flake.lock`.";
    };

    pullRequestLabels = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "dependencies" ];
      description = "Only pull requests with all of these labels count. Those from forks count only where labels are named.";
    };

    interval = mkOption {
      type = types.ints.positive;
      default = 300;
      description = "GitHub is asked every so many seconds, give or take a tenth, or up to a fifth sooner together with a look at the remote.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.nixfleet.settings.github = {
      enable = lib.mkDefault github.enable;
      as_remote = lib.mkDefault github.asRemote;
      api_url = lib.mkDefault github.apiUrl;
      pull_request_title = lib.mkDefault github.pullRequestTitle;
      pull_request_labels = lib.mkDefault github.pullRequestLabels;
      interval_seconds = lib.mkDefault github.interval;
    };

    systemd.services.nixfleet-agent.serviceConfig.LoadCredential = lib.mkIf (
      github.enable && github.tokenFile != null
    ) (secretFile.credential "github-token" github.tokenFile);

    assertions = [
      (secretFile.assertion "github.tokenFile" github.tokenFile)
      {
        assertion = github.apiUrl == null || lib.hasPrefix "https://" github.apiUrl;
        message = ''services.nixfleet.github.apiUrl is ${builtins.toJSON github.apiUrl}: the token is sent there, so it has to begin with "https://".'';
      }
      {
        assertion = github.asRemote -> github.enable;
        message = "services.nixfleet.github.asRemote has GitHub asked, which is off: set services.nixfleet.github.enable = true, or leave asRemote out to look with Git.";
      }
      {
        assertion = github.asRemote && repository.url != null -> !isElsewhere repository.url;
        message = "services.nixfleet.github.asRemote is set, and services.nixfleet.repository.url ${toString repository.url} is not on GitHub: name the repository as https://github.com/OWNER/NAME or git@github.com:OWNER/NAME, or leave asRemote out to look with Git.";
      }
    ];

    warnings =
      lib.optional (
        github.tokenFile != null && !github.enable
      ) "services.nixfleet.github.tokenFile is not used: set services.nixfleet.github.enable = true."
      ++
        lib.optional (github.enable && !hasToken && requestsPerHour > 30)
          "services.nixfleet.github asks GitHub ${toString requestsPerHour} times an hour, more than the 30 that leave room without a token: set services.nixfleet.github.tokenFile, or longer intervals (services.nixfleet.github.interval${lib.optionalString github.asRemote ", services.nixfleet.interval"}).";
  };
}
