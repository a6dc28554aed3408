{
  description = "The five compartments of NixOS hosts, from the configuration repository to Grafana";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forEachSystem = function: lib.genAttrs systems (system: function nixpkgs.legacyPackages.${system});
      packagesFor =
        pkgs:
        import ./modules/packages {
          inherit pkgs;
          revision = self.rev or "";
        };
      # The modules take these packages, whatever the host's nixpkgs and overlays are. With a key, so that a host may import
      # them more than once.
      itsPackages =
        { lib, pkgs, ... }:
        let
          packages = self.packages.${pkgs.stdenv.hostPlatform.system};
        in
        {
          key = "nixfleet-packages";
          _file = ./flake.nix;
          services.nixfleet = {
            package = lib.mkDefault packages.nixfleet-agent;
            exporter.package = lib.mkDefault packages.nixfleet-exporter;
          };
        };
      withPackages = module: {
        imports = [
          module
          itsPackages
        ];
      };
    in
    {
      packages = forEachSystem (
        pkgs:
        packagesFor pkgs // { default = self.packages.${pkgs.stdenv.hostPlatform.system}.nixfleet-agent; }
      );

      overlays.default = final: _: packagesFor final;

      nixosModules = {
        default = withPackages ./modules;
        # The host alone, and what a host with Prometheus or Grafana needs alone.
        nixfleet = withPackages ./modules/host;
        monitoring = ./modules/monitoring.nix;
      };

      apps = forEachSystem (
        pkgs:
        let
          packages = self.packages.${pkgs.stdenv.hostPlatform.system};
          app = package: program: description: {
            type = "app";
            program = "${package}/bin/${program}";
            meta = { inherit description; };
          };
        in
        rec {
          default = nixfleet;
          nixfleet =
            app packages.nixfleet-agent "nixfleet"
              "The five compartments of a host or of any flake repository";
          nixfleet-exporter =
            app packages.nixfleet-exporter "nixfleet-exporter"
              "Serves them as Prometheus metrics";
        }
      );

      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.stdenv.hostPlatform.system}.nixfleet-agent ];
          packages = with pkgs; [
            cargo
            clippy
            deadnix
            jq
            nixfmt
            openssh
            prometheus
            rust-analyzer
            rustc
            rustfmt
          ];
        };
      });

      formatter = forEachSystem (pkgs: pkgs.nixfmt-tree);

      checks = forEachSystem (pkgs: import ./checks { inherit nixpkgs pkgs self; });
    };
}
