# Configurations that cannot work, or hardly: what is said of them. `says` are words of the message, among them the option
# and the way out.
{ lib, evaluate }:
let
  base = {
    networking.hostName = "web1";
    services.nixfleet = {
      enable = true;
      flake = {
        _type = "flake";
        rev = "0123456789abcdef0123456789abcdef01234567";
      };
    };
  };
  url = "https://github.com/example/fleet.git";
  https = {
    services.nixfleet.repository.url = lib.mkDefault url;
  };
  nixfleet = settings: {
    imports = [ https ];
    services.nixfleet = settings;
  };
  repository = settings: { services.nixfleet.repository = settings; };
  monitoring = settings: {
    services.nixfleet = {
      enable = lib.mkForce false;
      monitoring = settings;
    };
  };

  refused = {
    no-repository = {
      says = [
        "services.nixfleet.repository.url is not set"
        "services.nixfleet.repository.path"
      ];
      module = { };
    };
    empty-url = {
      says = [ "services.nixfleet.repository.url is empty" ];
      module = repository { url = ""; };
    };
    path-of-nobody = {
      says = [
        "services.nixfleet.repository.path is /home/alice/fleet"
        "set services.nixfleet.repository.user"
      ];
      module = repository { path = "/home/alice/fleet"; };
    };
    url-and-path = {
      says = [
        "services.nixfleet.repository.url and services.nixfleet.repository.path are both set"
        "remove path"
        "services.nixfleet.repository.user"
      ];
      module = repository {
        inherit url;
        path = "/home/alice/fleet";
      };
    };
    user-without-path = {
      says = [
        "services.nixfleet.repository.user is alice, but services.nixfleet.repository.path is not set"
      ];
      module = repository {
        inherit url;
        user = "alice";
      };
    };
    root-evaluates = {
      says = [
        "services.nixfleet.repository.user is root"
        "chown"
      ];
      module = repository {
        path = "/etc/nixos";
        user = "root";
      };
    };
    checkout-in-the-store = {
      says = [ "services.nixfleet.repository.path is in the store" ];
      module = repository {
        path = "${builtins.storeDir}/00000000000000000000000000000000-source";
        user = "alice";
      };
    };
    token-in-the-store = {
      says = [
        "services.nixfleet.repository.tokenFile"
        "everybody can read the store"
        "/run/secrets/"
      ];
      module = repository {
        inherit url;
        tokenFile = "${builtins.storeDir}/00000000000000000000000000000000-source/token";
      };
    };
    key-in-the-store = {
      says = [
        "services.nixfleet.repository.sshKeyFile"
        "everybody can read the store"
      ];
      module = repository {
        url = "ssh://git@example.org/fleet.git";
        sshKeyFile = "${builtins.storeDir}/00000000000000000000000000000000-key";
      };
    };
    github-token-in-the-store = {
      says = [
        "services.nixfleet.github.tokenFile"
        "everybody can read the store"
      ];
      module = nixfleet {
        github = {
          enable = true;
          tokenFile = "${builtins.storeDir}/00000000000000000000000000000000-token";
        };
      };
    };
    password-in-the-url = {
      says = [
        "services.nixfleet.repository.url has a user or a password in it"
        "write https://example.org/fleet.git"
        "services.nixfleet.repository.tokenFile"
      ];
      module = repository { url = "https://alice:hunter2@example.org/fleet.git"; };
    };
    token-in-the-url = {
      says = [ "services.nixfleet.repository.url has a user or a password in it" ];
      module = repository { url = "https://ghp_0123456789@github.com/example/fleet.git"; };
    };
    password-in-an-ssh-url = {
      says = [
        "services.nixfleet.repository.url has a user or a password in it"
        "write ssh://git@example.org/fleet.git"
        "services.nixfleet.repository.sshKeyFile"
      ];
      module = repository { url = "ssh://git:hunter2@example.org/fleet.git"; };
    };
    known-hosts-twice = {
      says = [
        "services.nixfleet.repository.knownHosts and services.nixfleet.repository.knownHostsFile are both set"
      ];
      module = repository {
        inherit url;
        knownHosts = "example.org ssh-ed25519 AAAA";
        knownHostsFile = "/etc/known_hosts";
      };
    };
    name-without-token = {
      says = [
        "services.nixfleet.repository.username"
        "services.nixfleet.repository.tokenFile"
      ];
      module = repository {
        inherit url;
        username = "alice";
      };
    };
    signers-twice = {
      says = [
        "services.nixfleet.repository.signatures.allowedSigners and .allowedSignersFile are both set"
      ];
      module = repository {
        inherit url;
        signatures = {
          allowedSigners = "alice@example.org ssh-ed25519 AAAA";
          allowedSignersFile = "/etc/allowed_signers";
        };
      };
    };
    only-the-forge-signs = {
      says = [
        "services.nixfleet.repository.signatures.forgeKeyringFile alone"
        "allowedSigners"
      ];
      module = repository {
        inherit url;
        signatures.forgeKeyringFile = "/etc/forge.asc";
      };
    };
    rollback-without-tests = {
      says = [
        "services.nixfleet.policy.rollbackWhenTestsFail never comes to anything"
        "services.nixfleet.tests.enable"
      ];
      module = nixfleet {
        policy.rollbackWhenTestsFail = true;
        tests.enable = false;
      };
    };
    tests-outside-of-the-repository = {
      says = [
        "services.nixfleet.tests.directory"
        "inside the repository"
      ];
      module = nixfleet { tests.directory = "../tests"; };
    };
    confirm-with-nothing = {
      says = [ "services.nixfleet.confirm.command is an empty list" ];
      module = nixfleet {
        confirm = {
          enable = true;
          command = [ ];
        };
      };
    };
    github-unencrypted = {
      says = [
        "services.nixfleet.github.apiUrl"
        "https://"
      ];
      module = nixfleet { github.apiUrl = "http://github.example.org/api/v3"; };
    };
    through-github-that-is-off = {
      says = [
        "services.nixfleet.github.asRemote"
        "set services.nixfleet.github.enable = true"
      ];
      module = nixfleet { github.asRemote = true; };
    };
    through-github-elsewhere = {
      says = [
        "services.nixfleet.github.asRemote"
        "services.nixfleet.repository.url file:///srv/fleet.git is not on GitHub"
        "leave asRemote out"
      ];
      module = nixfleet {
        repository.url = "file:///srv/fleet.git";
        github = {
          enable = true;
          asRemote = true;
        };
      };
    };
    deadly-limit = {
      says = [
        "services.nixfleet.build.resources has MemoryMax"
        "services.nixfleet.build.daemonResources"
      ];
      module = nixfleet { build.resources.MemoryMax = "1G"; };
    };
    socket-anywhere = {
      says = [
        "services.nixfleet.exporter.listenAddresses"
        "/run/nixfleet-exporter/"
      ];
      module = nixfleet {
        exporter = {
          socketActivation = false;
          listenAddresses = [ "/run/exporter.sock" ];
        };
      };
    };
    auto-upgrade-too = {
      says = [ "services.nixfleet.policy.switch and system.autoUpgrade.enable both deploy" ];
      module = {
        imports = [
          (nixfleet {
            policy = {
              pull = "on";
              switch = "on";
            };
          })
        ];
        system.autoUpgrade.enable = true;
      };
    };
    comin-too = {
      says = [ "services.nixfleet.policy.switch and services.comin.enable both deploy" ];
      module = {
        imports = [
          (nixfleet {
            policy = {
              pull = "on";
              switch = "on";
            };
          })
        ];
        options.services.comin.enable = lib.mkEnableOption "comin";
        config.services.comin.enable = true;
      };
    };
    polkit-off = {
      says = [
        "needs polkit"
        "security.polkit.enable"
      ];
      module = {
        imports = [ (nixfleet { }) ];
        security.polkit.enable = false;
      };
    };
    nix-off = {
      says = [ "remove nix.enable = false" ];
      module = {
        imports = [ (nixfleet { }) ];
        nix.enable = false;
      };
    };
    nothing-can-be-activated = {
      says = [ "system.switch.enable" ];
      module = {
        imports = [ (nixfleet { }) ];
        system.switch.enable = false;
      };
    };
    no-nixos-version = {
      says = [ "nixos-version" ];
      module = {
        imports = [ (nixfleet { }) ];
        system.disableInstallerTools = true;
      };
    };
    may-not-build = {
      says = [ "nix.settings.allowed-users" ];
      module = {
        imports = [ (nixfleet { }) ];
        nix.settings.allowed-users = [ "@wheel" ];
      };
    };
    no-prometheus = {
      says = [
        "services.nixfleet.monitoring.prometheus.enable is set on a host without Prometheus"
        "services.prometheus.enable"
      ];
      module = monitoring {
        prometheus = {
          enable = true;
          targets.web1 = "web1";
        };
      };
    };
    no-grafana = {
      says = [
        "services.nixfleet.monitoring.grafana.enable is set on a host without Grafana"
        "services.grafana.enable"
      ];
      module = monitoring { grafana.enable = true; };
    };
    targets-are-no-urls = {
      says = [
        "services.nixfleet.monitoring.prometheus.targets"
        "http://web1:19931/metrics"
        "HOST:PORT"
      ];
      module = monitoring {
        prometheus = {
          enable = true;
          targets.web1 = "http://web1:19931/metrics";
        };
      };
    };
    two-hosts-at-one-address = {
      says = [
        "services.nixfleet.monitoring.prometheus.targets"
        "a and b are both at web1:19931"
      ];
      module = monitoring {
        prometheus = {
          enable = true;
          targets = {
            a = "web1";
            b = "web1:19931";
          };
        };
      };
    };
  };

  warned = {
    no-revision = {
      says = [
        "services.nixfleet.flake = self"
        "system.configurationRevision"
      ];
      module = nixfleet { flake = lib.mkForce null; };
    };
    nothing-pulls = {
      says = [
        "services.nixfleet.policy.switch"
        ''services.nixfleet.policy.pull = "on"''
      ];
      module = nixfleet { policy.switch = "on"; };
    };
    auto-upgrade-while-looking = {
      says = [ "system.autoUpgrade.enable deploys behind nixfleet's back" ];
      module = {
        imports = [ (nixfleet { }) ];
        system.autoUpgrade.enable = true;
      };
    };
    unknown-owner = {
      says = [ "users.users.alice" ];
      module = repository {
        path = "/home/alice/fleet";
        user = "alice";
      };
    };
    closed-home = {
      says = [
        "cannot get to services.nixfleet.repository.path"
        ''users.users.alice.homeMode = "711"''
      ];
      module = {
        imports = [
          (repository {
            inherit url;
            path = "/home/alice/fleet";
            user = "alice";
          })
        ];
        users.users.alice.isNormalUser = true;
      };
    };
    only-in-the-own-git-configuration = {
      says = [ "services.nixfleet.repository.url is not set" ];
      module = {
        imports = [
          (repository {
            path = "/srv/fleet";
            user = "alice";
          })
        ];
        users.users.alice.isNormalUser = true;
      };
    };
    owner-may-not-use-nix = {
      says = [
        "nixfleet builds as alice, who may not use Nix"
        "nix.settings.allowed-users"
      ];
      module = {
        imports = [
          (repository {
            inherit url;
            path = "/srv/fleet";
            user = "alice";
          })
        ];
        nix.settings.allowed-users = [ "@wheel" ];
        users.users.alice.isNormalUser = true;
      };
    };
    unknown-tester = {
      says = [ "users.users.tester" ];
      module = nixfleet { tests.user = "tester"; };
    };
    unknown-host-keys = {
      says = [
        "services.nixfleet.repository.knownHosts"
        "git@github.com:example/fleet.git"
      ];
      module = repository { url = "git@github.com:example/fleet.git"; };
    };
    token-for-ssh = {
      says = [
        "services.nixfleet.repository.tokenFile is not used"
        "services.nixfleet.repository.sshKeyFile"
      ];
      module = repository {
        url = "git@github.com:example/fleet.git";
        knownHosts = "github.com ssh-ed25519 AAAA";
        tokenFile = "/run/secrets/token";
      };
    };
    key-for-https = {
      says = [
        "services.nixfleet.repository.sshKeyFile is not used"
        "services.nixfleet.repository.tokenFile"
      ];
      module = repository {
        inherit url;
        sshKeyFile = "/run/secrets/key";
      };
    };
    token-unencrypted = {
      says = [ "unencrypted: use https" ];
      module = repository {
        url = "http://example.org/fleet.git";
        tokenFile = "/run/secrets/token";
      };
    };
    command-without-confirm = {
      says = [ "services.nixfleet.confirm.enable = true" ];
      module = nixfleet { confirm.command = [ "true" ]; };
    };
    token-without-github = {
      says = [ "services.nixfleet.github.enable = true" ];
      module = nixfleet { github.tokenFile = "/run/secrets/token"; };
    };
    too-many-questions = {
      says = [ "services.nixfleet.github.interval" ];
      module = nixfleet {
        github = {
          enable = true;
          interval = 60;
        };
      };
    };
    too-many-questions-with-the-branch = {
      says = [
        "asks GitHub 42 times an hour"
        "services.nixfleet.interval"
      ];
      module = nixfleet {
        interval = 120;
        github = {
          enable = true;
          asRemote = true;
        };
      };
    };
    port-of-nobody = {
      says = [ "services.nixfleet.exporter.openFirewall" ];
      module = nixfleet {
        exporter = {
          openFirewall = true;
          listenAddresses = [ "127.0.0.1" ];
        };
      };
    };
    nothing-to-scrape = {
      says = [ "services.nixfleet.monitoring.prometheus.targets is empty" ];
      module = {
        imports = [ (monitoring { prometheus.enable = true; }) ];
        services.prometheus.enable = true;
      };
    };
  };

  # Values of a wrong type end the evaluation, so each is evaluated by itself.
  typeErrors = {
    policy-is-no-window = {
      says = [
        "services.nixfleet.policy.switch"
        "Mon..Fri 02:00-05:00"
      ];
      module = nixfleet { policy.switch = "Mon 2-5"; };
    };
    policy-is-a-boolean = {
      says = [
        "services.nixfleet.policy.pull"
        ''"off", "on" or a window''
      ];
      module = nixfleet { policy.pull = true; };
    };
    relative-secret = {
      says = [
        "services.nixfleet.repository.tokenFile"
        "path"
      ];
      module = repository {
        inherit url;
        tokenFile = "token";
      };
    };
    no-interval = {
      says = [ "services.nixfleet.interval" ];
      module = nixfleet { interval = 0; };
    };
    unknown-option = {
      says = [ "services.nixfleet.repositry" ];
      module = nixfleet { repositry.url = url; };
    };
    host-with-a-slash = {
      says = [ "services.nixfleet.host" ];
      module = nixfleet { host = "a/b"; };
    };
    impossible-port = {
      says = [ "services.nixfleet.exporter.port" ];
      module = nixfleet { exporter.port = 99999; };
    };
    settings-are-no-json = {
      says = [ "services.nixfleet.settings" ];
      module = nixfleet { settings.agent = x: x; };
    };
  };

  configOf =
    module:
    (evaluate [
      base
      module
    ]).config;
  refusal =
    { says, module }:
    {
      inherit says;
      found = map (assertion: assertion.message) (
        lib.filter (assertion: !assertion.assertion) (configOf module).assertions
      );
    };
  warning =
    { says, module }:
    {
      inherit says;
      found = lib.filter (text: lib.hasInfix "nixfleet" text) (configOf module).warnings;
    };
in
{
  refused = lib.mapAttrs (_: refusal) refused;
  warned = lib.mapAttrs (_: warning) warned;
  typeErrors = lib.mapAttrs (
    _:
    { says, module }:
    {
      inherit says;
      value =
        let
          config = configOf module;
        in
        [
          config.environment.etc."nixfleet/config.json".source.drvPath
          config.systemd.units."nixfleet-exporter.socket".text
        ];
    }
  ) typeErrors;
}
