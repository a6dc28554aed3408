# The module is there and not enabled: nothing of nixfleet may be on the host.
{
  networking.hostName = "other";
}
