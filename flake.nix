{
  description = "The five compartments of NixOS hosts, from the configuration repository to Grafana";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forEachSystem = nixpkgs.lib.genAttrs systems;
      version = (nixpkgs.lib.importTOML ./Cargo.toml).workspace.package.version;
      package =
        pkgs: name: mainProgram:
        pkgs.rustPlatform.buildRustPackage {
          pname = name;
          inherit version;
          src = nixpkgs.lib.fileset.toSource {
            root = ./.;
            fileset = nixpkgs.lib.fileset.unions [
              ./Cargo.toml
              ./Cargo.lock
              ./nixfleet-core
              ./nixfleet-agent
              ./nixfleet-exporter
              ./tests
            ];
          };
          cargoLock.lockFile = ./Cargo.lock;
          cargoBuildFlags = [
            "--package"
            name
          ];
          # The tests need Prometheus, sshd and git servers: tests/run-all runs them outside of the build.
          doCheck = false;
          nativeBuildInputs = [ pkgs.pkg-config ];
          buildInputs = [ pkgs.openssl ];
          env.NIXFLEET_REVISION = self.rev or "";
          meta = {
            description = "The five compartments of NixOS hosts";
            license = nixpkgs.lib.licenses.mit;
            inherit mainProgram;
            platforms = systems;
          };
        };
    in
    {
      packages = forEachSystem (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
        in
        {
          nixfleet-agent = package pkgs "nixfleet-agent" "nixfleet";
          nixfleet-exporter = package pkgs "nixfleet-exporter" "nixfleet-exporter";
          default = self.packages.${system}.nixfleet-agent;
        }
      );
    };
}
