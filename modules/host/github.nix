# Open pull requests on GitHub that update flake.lock.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg) github;
  secretFile = import ./secret-file.nix { inherit lib; };
in
{
  options.services.nixfleet.github = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether GitHub is asked for open pull requests that update `flake.lock`, which turn Lock yellow.";
    };

    tokenFile = secretFile.option {
      example = "/run/secrets/github-token";
      content = "a token that may read pull requests";
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
    ];

    warnings =
      lib.optional (
        github.tokenFile != null && !github.enable
      ) "services.nixfleet.github.tokenFile is not used: set services.nixfleet.github.enable = true."
      ++
        lib.optional (github.enable && github.tokenFile == null && github.interval < 120)
          "services.nixfleet.github.interval asks GitHub more than the 30 times an hour that leave room without a token: set services.nixfleet.github.tokenFile, or an interval of 120 or more.";
  };
}
