# Metrics of this host for Prometheus.
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg) exporter;
  port = toString exporter.port;
  isUnixSocket = address: lib.hasPrefix "/" address;
  # An address of IPv6 has brackets before a port.
  bracketed =
    address: if lib.hasInfix ":" address && !lib.hasPrefix "[" address then "[${address}]" else address;
  socketDirectory = "/run/nixfleet-exporter/";
  isLoopback =
    address:
    isUnixSocket address
    || lib.hasPrefix "127." address
    || lib.elem (bracketed address) [
      "[::1]"
      "localhost"
    ];
  isEarly = address: address == "" || isLoopback address;
  forSocket =
    address:
    if address == "" then
      port
    else if isUnixSocket address then
      address
    else
      "${bracketed address}:${port}";
  forProgram =
    address: if isUnixSocket address then "unix:${address}" else "${bracketed address}:${port}";
  makesSockets = !exporter.socketActivation && lib.any isUnixSocket exporter.listenAddresses;
  arguments =
    lib.optionals (!exporter.socketActivation) (
      map (address: "--web.listen-address=${forProgram address}") exporter.listenAddresses
    )
    ++ exporter.extraArguments;
in
{
  options.services.nixfleet.exporter = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether this host serves its metrics.";
    };

    package = mkOption {
      type = types.package;
      default =
        pkgs.nixfleet-exporter
          or (throw "services.nixfleet: there is no package nixfleet-exporter; import nixosModules.default of nixfleet's flake, or apply its overlays.default");
      defaultText = lib.literalExpression "pkgs.nixfleet-exporter";
      description = "The package with `nixfleet-exporter`.";
    };

    listenAddresses = mkOption {
      type = types.nonEmptyListOf types.str;
      default = [ "" ];
      example = [
        "127.0.0.1"
        "::1"
      ];
      description = ''
        Where it listens: addresses of this host, with an empty text for all of them, or paths of unix sockets. There is no
        password: open the port for Prometheus only.
      '';
    };

    port = mkOption {
      type = types.port;
      default = 19931;
      description = "The port at those addresses.";
    };

    openFirewall = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the firewall lets everybody reach the port. To let one interface only, leave it off and use
        {option}`networking.firewall.interfaces`.
      '';
    };

    socketActivation = mkOption {
      type = types.bool;
      default = true;
      description = "Whether systemd listens, and starts the exporter at the first scrape. Without it the exporter is started at boot.";
    };

    extraArguments = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "--collect.timeout=8s" ];
      description = "Further arguments of `nixfleet-exporter`.";
    };
  };

  config = lib.mkIf (cfg.enable && exporter.enable) {
    networking.firewall.allowedTCPPorts = lib.mkIf exporter.openFirewall [ exporter.port ];

    systemd = {
      sockets.nixfleet-exporter = lib.mkIf exporter.socketActivation {
        overrideStrategy = "asDropin";
        wantedBy = [ "sockets.target" ];
        # The empty one first: it removes the one of the unit.
        listenStreams = [ "" ] ++ map forSocket exporter.listenAddresses;
        # At boot it listens before the network is there with its addresses.
        socketConfig.FreeBind = lib.mkIf (!lib.all isEarly exporter.listenAddresses) true;
      };
      services.nixfleet-exporter = {
        wantedBy = lib.mkIf (!exporter.socketActivation) [ "multi-user.target" ];
        # It reads the configuration once, at its start.
        restartTriggers = [ config.environment.etc."nixfleet/config.json".source ];
        serviceConfig = {
          ExecStart = lib.mkIf (arguments != [ ]) [
            ""
            (utils.escapeSystemdExecArgs ([ "${exporter.package}/bin/nixfleet-exporter" ] ++ arguments))
          ];
          RuntimeDirectory = lib.mkIf makesSockets "nixfleet-exporter";
        };
      };
    };

    assertions = [
      {
        assertion =
          makesSockets
          -> lib.all (
            address: isUnixSocket address -> lib.hasPrefix socketDirectory address
          ) exporter.listenAddresses;
        message = "services.nixfleet.exporter.listenAddresses: without services.nixfleet.exporter.socketActivation the exporter may make unix sockets in ${socketDirectory} only. Put them there, or let systemd make them.";
      }
    ];

    warnings =
      lib.optional (exporter.openFirewall && lib.all isLoopback exporter.listenAddresses)
        "services.nixfleet.exporter.openFirewall opens port ${port}, but services.nixfleet.exporter.listenAddresses listens on this host only: remove one of the two.";
  };
}
