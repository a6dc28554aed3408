# services.nixfleet.monitoring: for a host with Prometheus, one with Grafana, or one with both.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet.monitoring;
  inherit (cfg) prometheus grafana;
  defaultPort = "19931";
  # HOST, HOST:PORT, an address of IPv6 with or without brackets, [IPv6]:PORT.
  withPort =
    address:
    if builtins.match "[^:]+:[0-9]+|.*]:[0-9]+" address != null then
      address
    else if builtins.match "[^][]*:[^][]*:[^][]*" address != null then
      "[${address}]:${defaultPort}"
    else
      "${address}:${defaultPort}";
  addresses = lib.mapAttrs (_: withPort) prometheus.targets;
  isAddress = address: builtins.match "[^[:space:]/]+" address != null;
  wrong = lib.filterAttrs (_: address: !isAddress address) prometheus.targets;
  byAddress = lib.groupBy (host: addresses.${host}) (lib.attrNames addresses);
  shared = lib.filterAttrs (_: hosts: lib.length hosts > 1) byAddress;
  # The dashboards with the forge's address in the place of the one that stands for it.
  dashboards =
    if grafana.forge == null then
      grafana.dashboards
    else
      pkgs.runCommand "nixfleet-dashboards" { inherit (grafana) forge; } ''
        mkdir $out
        for file in ${grafana.dashboards}/*.json; do
          sed "s|https://github.com/OWNER/REPOSITORY|$forge|g" "$file" >"$out/''${file##*/}"
        done
      '';
in
{
  options.services.nixfleet.monitoring = {
    prometheus = {
      enable = lib.mkEnableOption "the scrape job and the rules of nixfleet in the Prometheus of this host";

      targets = mkOption {
        type = types.attrsOf types.str;
        default = { };
        example = {
          web1 = "web1.example.org";
          web2 = "10.0.0.2:19931";
        };
        description = ''
          The hosts of the fleet: name, and where the exporter of that host is found, with port 19931 unless it says
          another one. The name becomes the label `host`. For a fleet that comes from service discovery leave it empty
          and add a job `nixfleet` to {option}`services.prometheus.scrapeConfigs` that sets that label.
        '';
      };

      interval = mkOption {
        type = types.strMatching "([0-9]+(ms|[smhd]))+";
        default = "30s";
        description = "How often the hosts are asked.";
      };

      rules = mkOption {
        type = types.listOf types.path;
        default = [
          ./monitoring/rules/nixfleet-recording.yaml
          ./monitoring/rules/nixfleet-alerts.yaml
        ];
        defaultText = lib.literalMD "nixfleet's recording rules and alerts";
        description = "The files with rules.";
      };
    };

    grafana = {
      enable = lib.mkEnableOption "the dashboards of nixfleet in the Grafana of this host";

      dashboards = mkOption {
        type = types.path;
        default = ./monitoring/dashboards;
        defaultText = lib.literalMD "nixfleet's dashboards";
        description = "The directory with the dashboards.";
      };

      forge = mkOption {
        type = types.nullOr (types.strMatching "https?://[^][:space:]|&\"\\]+[^][:space:]|&\"\\/]");
        default = null;
        example = "https://github.com/example/fleet";
        description = ''
          Where the pages of the configuration repository are: links to commits and comparisons begin with it. Without
          it everybody sets it in Grafana, in the dashboards' variable *Forge*.
        '';
      };

      folder = mkOption {
        type = types.str;
        default = "nixfleet";
        description = "The folder of Grafana that the dashboards appear in.";
      };
    };
  };

  config = lib.mkMerge [
    (lib.mkIf prometheus.enable {
      services.prometheus = {
        ruleFiles = map (file: "${file}") prometheus.rules;
        scrapeConfigs = lib.mkIf (prometheus.targets != { }) [
          {
            job_name = "nixfleet";
            scrape_interval = prometheus.interval;
            static_configs = lib.mapAttrsToList (host: address: {
              targets = [ address ];
              labels = {
                inherit host;
              };
            }) addresses;
          }
        ];
      };

      assertions = [
        {
          assertion = config.services.prometheus.enable;
          message = "services.nixfleet.monitoring.prometheus.enable is set on a host without Prometheus: set services.prometheus.enable = true, or set it on the host that has one.";
        }
        {
          assertion = wrong == { };
          message = "services.nixfleet.monitoring.prometheus.targets: ${
            lib.concatMapStringsSep ", " (host: builtins.toJSON wrong.${host}) (lib.attrNames wrong)
          } is not an address: write HOST or HOST:PORT, without http:// and without a path.";
        }
        {
          assertion = shared == { };
          message = "services.nixfleet.monitoring.prometheus.targets: ${
            lib.concatMapStringsSep "; " (
              address: "${lib.concatStringsSep " and " shared.${address}} are both at ${address}"
            ) (lib.attrNames shared)
          }. Give each host its own address.";
        }
      ];

      warnings =
        lib.optional
          (
            prometheus.targets == { }
            && !lib.any (job: job.job_name == "nixfleet") config.services.prometheus.scrapeConfigs
          )
          "services.nixfleet.monitoring.prometheus.targets is empty, and services.prometheus.scrapeConfigs has no job nixfleet: no host will be shown.";
    })

    (lib.mkIf grafana.enable {
      services.grafana.provision = {
        enable = true;
        dashboards.settings.providers = [
          {
            name = "nixfleet";
            inherit (grafana) folder;
            options.path = "${dashboards}";
          }
        ];
      };

      assertions = [
        {
          assertion = config.services.grafana.enable;
          message = "services.nixfleet.monitoring.grafana.enable is set on a host without Grafana: set services.grafana.enable = true, or set it on the host that has one.";
        }
      ];
    })
  ];
}
