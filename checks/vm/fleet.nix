# Two hosts, and a third with Prometheus, Alertmanager and Grafana: what they show of the two.
{ self, ... }:
let
  host = {
    imports = [ self.nixosModules.default ];
    documentation.enable = false;
    services.nixfleet = {
      enable = true;
      # No host is behind it: Git is gray at first, and red after the grace time.
      repository.url = "https://git.invalid/fleet.git";
      exporter.openFirewall = true;
    };
  };
in
{ pkgs, ... }:
{
  name = "nixfleet-fleet";

  nodes = {
    web1 = host;
    web2 = host;
    monitor = {
      imports = [ self.nixosModules.default ];
      virtualisation.memorySize = 2048;
      environment.systemPackages = [ pkgs.jq ];
      services = {
        nixfleet.monitoring = {
          prometheus = {
            enable = true;
            interval = "2s";
            targets = {
              web1 = "web1";
              web2 = "web2";
            };
          };
          grafana.enable = true;
        };
        prometheus = {
          enable = true;
          globalConfig.evaluation_interval = "2s";
          alertmanagers = [ { static_configs = [ { targets = [ "localhost:9093" ]; } ]; } ];
          alertmanager = {
            enable = true;
            configuration = {
              route.receiver = "nobody";
              receivers = [ { name = "nobody"; } ];
            };
          };
        };
        grafana = {
          enable = true;
          settings = {
            analytics.reporting_enabled = false;
            server.http_addr = "127.0.0.1";
            security = {
              admin_user = "admin";
              admin_password = "of-this-test-only";
              secret_key = "of-this-test-only";
            };
          };
          provision.datasources.settings.datasources = [
            {
              name = "Prometheus";
              type = "prometheus";
              url = "http://localhost:9090";
              isDefault = true;
            }
          ];
        };
      };
    };
  };

  testScript = ''
    import json

    start_all()
    for machine in [web1, web2]:
        machine.wait_for_unit("nixfleet-agent.service")
        machine.wait_for_unit("nixfleet-exporter.socket")
    for unit in ["prometheus", "alertmanager", "grafana"]:
        monitor.wait_for_unit(f"{unit}.service")
    monitor.wait_for_open_port(9090)
    monitor.wait_for_open_port(3000)


    with subtest("both hosts are scraped, each with its name"):
        for host in ["web1", "web2"]:
            monitor.wait_until_succeeds(
                "curl --fail --silent 'localhost:9090/api/v1/query?query=up' "
                f"| jq --exit-status '.data.result[] | select(.metric.host == \"{host}\" and .value[1] == \"1\")'"
            )
        # The agents may have begun after the first scrape.
        monitor.wait_until_succeeds(
            "curl --fail --silent --get --data-urlencode "
            "'query=nixfleet_compartment_state{compartment=\"agent\",state=\"ok\"} == 1' localhost:9090/api/v1/query "
            "| jq --exit-status '[.data.result[].metric.host] | sort == [\"web1\", \"web2\"]'"
        )

    with subtest("the rules are loaded"):
        rules = json.loads(monitor.succeed("curl --fail --silent localhost:9090/api/v1/rules"))
        assert any("nixfleet" in group["file"] for group in rules["data"]["groups"]), rules
        assert all(rule["health"] != "err" for group in rules["data"]["groups"] for rule in group["rules"]), rules

    with subtest("Grafana has the dashboards"):
        monitor.wait_until_succeeds(
            "curl --fail --silent --user admin:of-this-test-only 'localhost:3000/api/search?type=dash-db' "
            "| jq --exit-status 'map(select(.folderTitle == \"nixfleet\")) | length >= 2'"
        )
        for found in json.loads(
            monitor.succeed("curl --fail --silent --user admin:of-this-test-only 'localhost:3000/api/search?type=dash-db'")
        ):
            monitor.succeed(
                f"curl --fail --silent --user admin:of-this-test-only localhost:3000/api/dashboards/uid/{found['uid']} "
                "| jq --exit-status '.dashboard.panels | length > 0'"
            )

    with subtest("a host that goes down is not forgotten"):
        web2.shutdown()
        monitor.wait_until_succeeds(
            "curl --fail --silent 'localhost:9090/api/v1/query?query=up' "
            "| jq --exit-status '.data.result[] | select(.metric.host == \"web2\" and .value[1] == \"0\")'"
        )
        monitor.succeed("curl --fail --silent localhost:9093/-/ready")
  '';
}
