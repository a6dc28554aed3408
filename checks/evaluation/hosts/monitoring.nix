# A host with Prometheus and Grafana, which itself is not one of the fleet.
{
  networking.hostName = "monitor";
  services = {
    prometheus.enable = true;
    grafana = {
      enable = true;
      settings.server.http_addr = "127.0.0.1";
    };
    nixfleet.monitoring = {
      prometheus = {
        enable = true;
        targets = {
          web1 = "web1.example.org";
          web2 = "10.0.0.2:9100";
          "bücher" = "fd00::3";
        };
      };
      grafana = {
        enable = true;
        forge = "https://git.example.org/fleet";
      };
    };
  };
}
