# A checkout that belongs to somebody, over https with a token; an exporter without socket activation, for this host only.
{
  networking.hostName = "laptop";
  users.users.alice = {
    isNormalUser = true;
    homeMode = "711";
  };
  system.configurationRevision = "fedcba9876543210fedcba9876543210fedcba98";
  services.nixfleet = {
    enable = true;
    repository = {
      url = "https://git.example.org/fleet.git";
      path = "/home/alice/fleet";
      user = "alice";
      tokenFile = "/run/secrets/fleet-token";
      username = "alice";
    };
    policy.testAfterSwitch = false;
    exporter = {
      socketActivation = false;
      listenAddresses = [
        "127.0.0.1"
        "::1"
        "/run/nixfleet-exporter/http.sock"
      ];
    };
  };
}
