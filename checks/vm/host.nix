# The configuration of the host in the VM tests, the same in the test's node and in the repository that it follows.
{
  documentation.enable = false;
  networking.hostName = "web1";
  services.nixfleet = {
    enable = true;
    interval = 5;
    repository = {
      url = "file:///srv/fleet.git";
      branch = "main";
    };
    policy = {
      pull = "on";
      switch = "on";
      rollbackWhenTestsFail = true;
    };
  };
}
