# services.nixfleet: what moves and shows a host, and what a host with Prometheus or Grafana needs to show a fleet.
{
  imports = [
    ./host
    ./monitoring.nix
  ];
}
