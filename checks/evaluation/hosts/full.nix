# All that can be said: an ssh remote, windows, tests of a user of their own, limits, a proxy, an exporter behind a firewall.
{
  networking.hostName = "web2";
  networking.proxy = {
    httpsProxy = "http://proxy.example.org:3128";
    noProxy = "localhost,example.org";
  };
  users.users.tester = {
    isSystemUser = true;
    group = "nogroup";
  };
  services.nixfleet = {
    enable = true;
    host = "web2-production";
    interval = 60;
    flake = {
      _type = "flake";
      rev = "0123456789abcdef0123456789abcdef01234567";
    };
    repository = {
      url = "git@github.com:example/fleet.git";
      branch = "production";
      allowRewrittenBranch = true;
      sshKeyFile = "/run/secrets/fleet-deploy-key";
      knownHosts = "github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
      signatures = {
        allowedSigners = "alice@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
        forgeKeyringFile = "/etc/nixfleet/github-web-flow.asc";
      };
    };
    policy = {
      pull = "on";
      switch = "Mon..Thu,Sun 22:00-04:00";
      rollbackWhenTestsFail = true;
    };
    tests = {
      directory = "tests/web";
      user = "tester";
      timeout = 30;
    };
    confirm = {
      enable = true;
      timeout = 90;
      command = [
        "/run/current-system/sw/bin/curl"
        "--fail"
        "https://example.org/health"
      ];
    };
    github = {
      enable = true;
      tokenFile = "/run/secrets/github-token";
      pullRequestTitle = "flake.lock: update";
      pullRequestLabels = [ "dependencies" ];
    };
    exporter = {
      listenAddresses = [
        "10.0.0.2"
        "fd00::2"
      ];
      port = 9100;
      openFirewall = true;
      extraArguments = [ "--collect.timeout=8s" ];
    };
    build = {
      maxJobs = 1;
      cores = 2;
      resources = {
        CPUWeight = 20;
        MemoryHigh = "2G";
      };
      daemonResources.CPUQuota = "150%";
    };
    # Comes before the option.
    settings = {
      agent.interval_seconds = 30;
      remote.grace_seconds = 3600;
    };
  };
  # As a host changes any unit.
  systemd.services.nixfleet-test.serviceConfig = {
    AmbientCapabilities = "CAP_NET_RAW";
    CapabilityBoundingSet = "CAP_NET_RAW";
  };
}
