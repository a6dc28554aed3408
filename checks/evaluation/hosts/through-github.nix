# An agent that looks through GitHub's API, and a pull by ssh.
{
  networking.hostName = "web4";
  services.nixfleet = {
    enable = true;
    flake = {
      _type = "flake";
      rev = "0123456789abcdef0123456789abcdef01234567";
    };
    repository = {
      url = "git@github.com:example/fleet.git";
      sshKeyFile = "/run/secrets/fleet-deploy-key";
      knownHosts = "github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    };
    github = {
      enable = true;
      asRemote = true;
      tokenFile = "/run/secrets/github-token";
    };
  };
}
