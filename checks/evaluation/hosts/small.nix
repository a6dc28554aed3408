# The least that can be said: where the configuration is.
{
  networking.hostName = "web1";
  services.nixfleet = {
    enable = true;
    repository.url = "https://github.com/example/fleet.git";
  };
}
